/**
 * How outboxes are called: as no user and no group can be, since no id holds a tab. Never to be changed: what a user's events wait in is
 * found by it.
 */
import type { UserId } from '../../protocol/ids.ts'
import { hash, shardOf } from '../../runtime/index.ts'

/** Which outboxes there are. `waiting`: events that may wait in each; `ahead`: those that are read ahead of what is sent. */
export type OutboxNames = {
  readonly waiting: number
  readonly ahead: number
  /** Whose events are in which. */
  of(owner: string): UserId
  /** Those of a shard; a node that has its store alone has one, 0. */
  at(shard: number): readonly UserId[]
  /** Whether something is recorded in it, and not only left from before. */
  has(outbox: UserId): boolean
  /** Those in which a node that had the store alone may have left something: who has that shard now sends it. */
  left(shard: number): readonly UserId[]
}

const nameOf = (what: number | string): UserId => `outbox\t${what}` as UserId
/** What was given up, with why: a log that nobody reads to its end. */
export const deadLetters = nameOf('dead')

/** Several, so that one is read while another is written. */
const count = 8
const alone: readonly UserId[] = Array.from({ length: count }, (_, at) => nameOf(at))

/** Events that wait: at some 400 bytes each, 0.4 GB. 1,024 entries of 300 bytes are 0.3 MB of memory for each outbox. */
export const namesAlone: OutboxNames = {
  waiting: 1_000_000 / count,
  ahead: 1_024,
  of: (owner) => alone[hash(owner) % count] as UserId,
  at: () => alone,
  has: (outbox) => alone.includes(outbox),
  left: () => [],
}

/**
 * Of a cluster: each shard has one, which is in that shard by its name, so that it has the same owner as the users and groups whose events
 * it takes. Ten million may wait in all, and of each shard a thousand; a node alone with 1,024 shards has 20 MB of them in memory.
 */
export function namesOf(shards: number): OutboxNames {
  const names = namesByShard(shards)
  return {
    waiting: Math.max(1_000, Math.floor(10_000_000 / shards)),
    ahead: 64,
    of: (owner) => names[shardOf(owner, shards)] as UserId,
    at: (shard) => names.slice(shard, shard + 1),
    has: (outbox) => names[shardOf(outbox, shards)] === outbox,
    left: (shard) => alone.filter((name) => shardOf(name, shards) === shard),
  }
}

/** For each shard the first name that is in it: with 1,024 shards some 8,000 names are looked at, in 2 ms. */
function namesByShard(shards: number): readonly UserId[] {
  const names = new Array<UserId | undefined>(shards)
  for (let [n, left] = [0, shards]; left > 0; n++) {
    const name = nameOf(`of ${n}`)
    const shard = shardOf(name, shards)
    if (names[shard]) continue
    names[shard] = name
    left -= 1
  }
  return names as UserId[]
}
