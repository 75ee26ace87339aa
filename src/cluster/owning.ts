/** Whose the shards are: this node learns it, takes what it is given, and what nobody living has. */

import { hash } from '../runtime/hash.ts'
import type { ShardMove, ShardRow } from '../store/contract.ts'
import { partOf } from '../store/contract.ts'
import { replan } from './membership.ts'
import type { MemberState, MemberTurn } from './types.ts'

export function readShards(state: MemberState, { at, timings, effects }: MemberTurn): void {
  if (at.monotonic < state.due.shards || state.asked.has('shards')) return
  // Nodes that started together do not all read at once.
  const spread = hash(`${state.me.life} ${Math.trunc(at.monotonic)}`) % 1_000
  state.due.shards = at.monotonic + timings.shardsMs * (0.8 + (0.4 * spread) / 1_000)
  state.asked.add('shards')
  effects.push({ do: 'shards' })
}

/** Of two rows the one with the higher term is later. */
export function learn(state: MemberState, rows: readonly ShardRow[], turn: MemberTurn): void {
  const before = state.shards.size
  for (const row of rows) {
    const known = state.shards.get(row.shard)
    if (known && known.term > row.term) continue
    state.shards.set(row.shard, row)
    heed(state, row, turn)
    if (!known || known.term === row.term) continue
    turn.effects.push({ do: 'learned', shard: row.shard })
    if (row.owner !== state.plan[row.shard]) doubt(state, turn)
  }
  if (state.shards.size !== before) replan(state)
}

/** Somebody has other members than this node. */
function doubt(state: MemberState, { at }: MemberTurn): void {
  state.doubts.seen += 1
  state.due.members = at.monotonic
}

function heed(state: MemberState, { shard, owner, term }: ShardRow, { effects }: MemberTurn): void {
  const spell = state.spells.get(shard)
  const isMine = owner === state.me.life
  if (spell && (!isMine || spell.term < term)) {
    state.spells.delete(shard)
    shut(state, shard, spell.term)
    effects.push({ do: 'drop', shard, term: spell.term })
  }
  if (!isMine || state.spells.has(shard) || term <= (state.shut.get(shard) ?? -1)) return
  if (state.phase !== 'up' && state.phase !== 'leaving') return
  state.spells.set(shard, { term, phase: 'owned' })
  effects.push({ do: 'take', shard, term })
}

/** Nothing that happened under this term counts here any more. */
export function shut(state: MemberState, shard: number, term: number): void {
  state.shut.set(shard, Math.max(term, state.shut.get(shard) ?? -1))
}

/** What is nobody's, or that of a dead one, is given to those for whom it is planned: by whoever marked that dead, or they take it themselves. */
export function claim(state: MemberState, turn: MemberTurn): void {
  const moves: ShardMove[] = []
  for (const row of state.shards.values()) {
    const planned = state.plan[row.shard]
    if (planned === undefined || !mayClaim(state, row, planned, turn)) continue
    moves.push({ from: row, to: { shard: row.shard, owner: planned, term: row.term + 1 } })
  }
  moveAll(state, moves, turn)
}

function mayClaim(state: MemberState, { owner }: ShardRow, planned: number, { at, timings }: MemberTurn): boolean {
  const mine = planned === state.me.life
  if (owner === 0) return mine
  const dead = state.dead.get(owner)
  return (
    dead !== undefined &&
    !state.members.has(owner) &&
    (dead.mine || (mine && at.monotonic - dead.since >= timings.unownedMs))
  )
}

/** One change of a part at a time: two of one node would get in each other's way. */
export function moveAll(state: MemberState, moves: readonly ShardMove[], { effects }: MemberTurn): ShardMove[] {
  const parts = new Map<number, ShardMove[]>()
  for (const move of moves) {
    const part = partOf(move.from.shard)
    if (!state.asked.has(`move ${part}`)) parts.set(part, [...(parts.get(part) ?? []), move])
  }
  for (const [part, some] of parts) {
    state.asked.add(`move ${part}`)
    effects.push({ do: 'move', part, moves: some })
  }
  return [...parts.values()].flat()
}

/** Whether the change was made or not, the rows say whose they are. All are told, also where this node has read it before it was answered. */
export function moved(state: MemberState, part: number, rows: readonly ShardRow[], turn: MemberTurn): void {
  state.asked.delete(`move ${part}`)
  learn(state, rows, turn)
  turn.effects.push({ do: 'tell', rows })
}
