/**
 * A shard changes hands by its owner, who has stopped before it says so: then no clock matters. First its actors go, with all that they
 * wrote made durable. From the sending of the change on nothing counts any more that happened under the old term, whatever becomes of it:
 * it may be applied late, also after a read that did not see it. Where its outcome is unknown it is sent again, or the shard is taken back, under
 * the next term.
 */
import { partOf, type ShardMove } from '../store/contract.ts'
import { isValid } from './lease.ts'
import { moveAll, shut } from './owning.ts'
import { roomOf } from './plan.ts'
import type { Gone, MemberState, MemberTurn, Spell } from './types.ts'

/** Starts to give what others should have. */
export function yieldShards(state: MemberState, turn: MemberTurn): void {
  const { spells, me } = state
  if (!mayGive(state, turn)) return
  let free = turn.timings.gives
  for (const { phase } of spells.values()) if (phase !== 'owned') free -= 1
  const others = [...spells].filter(([shard, { phase }]) => phase === 'owned' && takerOf(state, shard) !== me.life)
  if (free <= 0 || others.length === 0) return
  const isDue = dueOf(state)
  const due = others.filter(([shard]) => isDue(takerOf(state, shard)))
  for (const [shard, spell] of inOwnOrder(state, due).slice(0, free)) {
    spell.phase = 'yielding'
    turn.effects.push({ do: 'yield', shard, term: spell.term })
  }
}

/**
 * Part by part, each node from another one on. When a node joins all others give at once: on the same part their changes would get in each
 * other's way, and outcomes that nobody knows are waited for.
 */
function inOwnOrder({ ring, me, shards }: MemberState, due: readonly (readonly [number, Spell])[]) {
  const parts = partOf(Math.max(0, shards.size - 1)) + 1
  const place = ring.findIndex(({ life }) => life === me.life)
  const first = Math.floor((Math.max(0, place) * parts) / ring.length)
  const turnOf = (shard: number) => (partOf(shard) - first + parts) % parts
  return [...due].sort(([a], [b]) => turnOf(a) - turnOf(b) || a - b)
}

/** Others than those that leave give nothing before the members have settled, and are known. */
function mayGive(state: MemberState, turn: MemberTurn): boolean {
  if (state.plan.length === 0 || !isValid(state, turn)) return false
  const { phase, quietUntil, doubts } = state
  return isLeaving(state) || (phase === 'up' && turn.at.monotonic >= quietUntil && doubts.read === doubts.seen)
}

const isLeaving = ({ members, me }: MemberState): boolean => members.get(me.life)?.state === 'leaving'

/** Who leaves gives all. Others give for balance alone: while they have more than their room, or the other has less than the mean. */
function dueOf(state: MemberState): (taker: number) => boolean {
  if (isLeaving(state)) return () => true
  const load = new Map<number, number>()
  for (const { owner } of state.shards.values()) load.set(owner, (load.get(owner) ?? 0) + 1)
  const up = state.ring.filter((row) => row.state === 'up').length
  if (state.spells.size > roomOf(state.shards.size, up)) return () => true
  const mean = Math.floor(state.shards.size / up)
  return (taker) => (load.get(taker) ?? 0) < mean
}

/** Who should have it: this node itself, where nobody else is there. */
const takerOf = ({ plan, me }: MemberState, shard: number): number => plan[shard] ?? me.life

/** Their actors have gone. */
export function yielded(state: MemberState, gone: readonly Gone[]): void {
  for (const { shard, term } of gone) {
    const spell = state.spells.get(shard)
    if (spell?.term === term && spell.phase === 'yielding') spell.phase = 'giving'
  }
}

/** A row of a term that is not below its own was found: it takes the shard from itself, under a term that is above that. */
export function outdone(state: MemberState, shard: number, term: number): void {
  const spell = state.spells.get(shard)
  if (spell && spell.term <= term) state.spells.set(shard, { term: spell.term, phase: 'giving', outdoneBy: term })
}

/** Sends the changes that are due, and those again of which nothing is known. */
export function give(state: MemberState, turn: MemberTurn): void {
  const moves: ShardMove[] = []
  for (const [shard, spell] of state.spells) if (spell.phase === 'giving') moves.push(moveOf(state, shard, spell))
  for (const { from } of moveAll(state, moves, turn)) shut(state, from.shard, from.term)
}

function moveOf(state: MemberState, shard: number, { term, outdoneBy }: Spell): ShardMove {
  const owner = outdoneBy === undefined ? takerOf(state, shard) : state.me.life
  return {
    from: { shard, owner: state.me.life, term },
    to: { shard, owner, term: Math.max(term, outdoneBy ?? 0) + 1 },
  }
}
