/** The shards that this node has: under which terms, and how their actors come and go. */
import { toGroup } from '../../actors/addresses.ts'
import type { RunningMember } from '../cluster/running.ts'
import type { HostWish } from '../cluster/types.ts'
import type { Notes } from '../hosts/groups/notes.ts'
import type { SpellOf } from '../hosts/spells.ts'
import type { Clock, Runtime } from '../runtime/index.ts'
import type { Forwarding } from './router.ts'
import { type SharedStore, Spells } from './spells.ts'
import { Taking } from './taking.ts'
import { Yielding } from './yielding.ts'

/** What is there only when the node has been put together. */
type Context = {
  readonly store: SharedStore
  readonly clock: Clock
  readonly shardOf: (id: string) => number
  readonly member: () => RunningMember | undefined
  readonly forwarding: () => Forwarding | undefined
  readonly runtime: () => Runtime | undefined
  readonly notes: () => Notes | undefined
  readonly erasures: () => Promise<void>
  readonly taken: (shard: number) => void
}

export class Owned {
  readonly #context: Context
  readonly #spells: Spells
  readonly #taking: Taking
  readonly #yielding: Yielding

  constructor(context: Context) {
    const { store, clock, shardOf, member, forwarding, runtime, notes, erasures } = context
    this.#context = context
    this.#spells = new Spells(store, shardOf, member)
    this.#taking = new Taking({
      ...{ store, notes, erasures },
      after: (ms, run) => clock.after(ms, run),
      shardHere: (group) => (forwarding()?.isHere(group) ? shardOf(group) : undefined),
      tell: (group, message) => forwarding()?.tell(toGroup(group), message),
    })
    this.#yielding = new Yielding({
      ...{ clock, runtime },
      pause: (shard) => forwarding()?.pause(shard),
      tell: (message) => member()?.tell(message),
    })
  }

  /** The spell in which this node has an actor. */
  readonly spellOf: SpellOf = (id) => this.#spells.of(id)

  /** What is to become of a shard's actors. */
  heed(wish: Extract<HostWish, { do: 'take' | 'yield' | 'drop' }>): void {
    switch (wish.do) {
      case 'take':
        this.#context.taken(wish.shard)
        return this.#taking.take(wish.shard)
      case 'yield':
        return this.#yielding.yield(wish)
      case 'drop':
        this.#spells.drop(wish.shard)
        return this.#context.runtime()?.drop(wish.shard)
    }
  }
}
