/**
 * Who looks whether others live. Each life is watched by the next three by name. A watcher counts on its own clock, from its first sight
 * of a beat; only one that has not changed for longer than any lease may be marked dead, and only with that beat still in the row.
 */
import type { LifeRow } from '../store/contract.ts'
import { isValid } from './lease.ts'
import type { MemberState, MemberTurn } from './types.ts'

const watchers = 3

/** The lives to watch: back along the ring of names, past those that are stale, until three are met that are not. A rank for each: how many of those between them and this node may be watching, too. */
function targets(state: MemberState, { at, timings }: Pick<MemberTurn, 'at' | 'timings'>): Map<number, number> {
  if (state.phase === 'joining') return new Map(formerOf(state).map(({ life }) => [life, 0]))
  const { ring } = state
  const self = ring.findIndex(({ life }) => life === state.me.life)
  const ranks = new Map<number, number>()
  if (self < 0) return ranks
  let fresh = 0
  for (let back = 1; back < ring.length && fresh < watchers; back++) {
    const { life } = ring[(self - back + ring.length) % ring.length] as (typeof ring)[number]
    ranks.set(life, fresh)
    const sight = state.watched.get(life)
    if (!state.dead.has(life) && !(sight && at.monotonic - sight.since >= timings.staleMs)) fresh += 1
  }
  return ranks
}

/** Members of the own name that are not this life. */
export const formerOf = (state: MemberState) =>
  state.ring.filter(({ name, life }) => name === state.me.name && life !== state.me.life)

/** Looks at those it watches, and at owners of shards that are no members: whether they are dead, or only newer than what is known of the members. */
export function watch(state: MemberState, turn: MemberTurn): void {
  const { at, timings, effects } = turn
  // Nobody can renew while Cassandra is away: whoever was not seen then has to be seen anew.
  if (!isValid(state, turn)) state.watched.clear()
  const ranks = targets(state, turn)
  if (at.monotonic >= state.due.lives && !state.asked.has('lives')) {
    const strangers = [...state.shards.values()].map(({ owner }) => owner).filter((owner) => isStranger(state, owner))
    const lives = [...new Set([...ranks.keys(), ...strangers])]
    state.due.lives = at.monotonic + timings.livesMs
    if (lives.length > 0) {
      state.asked.add('lives')
      effects.push({ do: 'lives', lives })
    }
  }
  for (const [life, rank] of ranks) {
    const sight = state.watched.get(life)
    if (sight && at.monotonic - sight.since >= timings.deadMs + rank * timings.rankMs)
      mark(state, life, sight.beat, turn)
  }
}

const isStranger = ({ members, dead, me }: MemberState, owner: number): boolean =>
  owner !== 0 && owner !== me.life && !members.has(owner) && !dead.has(owner)

export function seen(
  state: MemberState,
  asked: readonly number[],
  rows: ReadonlyMap<number, LifeRow>,
  turn: MemberTurn,
): void {
  state.asked.delete('lives')
  for (const life of asked) look(state, life, rows.get(life), turn.at.monotonic)
}

/** Who could not read has to count anew. */
export function unseen(state: MemberState, asked: readonly number[]): void {
  state.asked.delete('lives')
  for (const life of asked) state.watched.delete(life)
}

/** A lower beat than one that was seen is that of a replica which is behind. */
function look({ watched, dead }: MemberState, life: number, row: LifeRow | undefined, now: number): void {
  const sight = watched.get(life)
  if (row?.state !== 'up') {
    watched.delete(life)
    if (!dead.has(life)) dead.set(life, { since: now, mine: false })
  } else if (!sight || sight.beat < row.beat)
    watched.set(life, { beat: row.beat, since: now, changes: (sight?.changes ?? -1) + 1 })
}

export function mark(state: MemberState, life: number, beat: number | null, { effects }: MemberTurn): void {
  const key = `mark ${life}`
  if (state.asked.has(key) || state.dead.has(life)) return
  state.asked.add(key)
  effects.push({ do: 'mark', life, beat })
}

/** Who finds a life dead that it has tried to mark may have done it: it gives what that had, and so may another. */
export function marked(state: MemberState, life: number, row: LifeRow | undefined, { at }: MemberTurn): void {
  state.asked.delete(`mark ${life}`)
  if (row?.state === 'up') return look(state, life, row, at.monotonic)
  state.watched.delete(life)
  state.dead.set(life, { since: state.dead.get(life)?.since ?? at.monotonic, mine: true })
}
