/** Who is in. One list, changed as a whole: who joins adds itself, who has left or is dead is taken off it. */
import type { MemberRow, Members } from '../store/contract.ts'
import { isValid } from './lease.ts'
import { plan } from './plan.ts'
import type { Change, MemberState, MemberTurn } from './types.ts'
import { formerOf, mark } from './watching.ts'

/** A beat of the former node of this name that changes so often is that of a node that runs. */
const alive = 3

/** Looks who is in, and changes what has to be. */
export function keepMembers(state: MemberState, turn: MemberTurn): void {
  const { at, timings, effects } = turn
  if (at.monotonic >= state.due.members && !state.asked.has('members')) {
    state.due.members = at.monotonic + timings.membersMs
    state.asked.add('members')
    state.doubts.asked = state.doubts.seen
    effects.push({ do: 'members' })
  }
  if (state.view < 0 || state.asked.has('members') || state.asked.has('change')) return
  if (state.phase === 'joining' && !mayJoin(state, turn)) return
  const change = wanted(state, turn)
  if (!change.join && change.leave.length === 0) return
  state.asked.add('change')
  effects.push({ do: 'change', change })
}

/**
 * The own life must be one that all see: a member without a row counts as dead. A former node of the name must be dead; one that lives has
 * the name, and this one does not get it.
 */
function mayJoin(state: MemberState, turn: MemberTurn): boolean {
  if (!isValid(state, turn)) return false
  const other = state.ring.find(({ dc, name }) => dc !== state.me.dc && name !== state.me.name)
  if (other) return refuse(state, 'datacenter', other, turn)
  for (const former of formerOf(state)) {
    if (state.dead.has(former.life)) continue
    if (hasEnded(state, former)) mark(state, former.life, null, turn)
    else if (former.state === 'up' && (state.watched.get(former.life)?.changes ?? 0) >= alive)
      return refuse(state, 'name', former, turn)
    return false
  }
  return true
}

/** What somebody says counts only of one that said itself that it would end. */
const hasEnded = ({ former }: MemberState, { life, state }: MemberRow): boolean =>
  former === 'said' ? state === 'leaving' : former?.ended === life

function refuse(state: MemberState, why: 'name' | 'datacenter', by: MemberRow, { effects }: MemberTurn): false {
  state.phase = 'refused'
  effects.push({ do: 'refused', why, by })
  return false
}

function wanted(state: MemberState, turn: MemberTurn): Change {
  const { me, view, members, phase } = state
  const own = members.get(me.life)
  const leave = [...members.keys()].filter((life) => mayRemove(state, life, turn))
  if (phase === 'joining')
    return { view, join: me, leave: [...new Set([...leave, ...formerOf(state).map(({ life }) => life)])] }
  return { view, join: phase === 'leaving' && own?.state === 'up' ? { ...me, state: 'leaving' } : null, leave }
}

/** Whoever has marked it does it; another who reads that it is dead, a moment later. */
function mayRemove({ dead }: MemberState, life: number, { at, timings }: MemberTurn): boolean {
  const known = dead.get(life)
  return known !== undefined && (known.mine || at.monotonic - known.since >= timings.membersMs)
}

export function listed(state: MemberState, members: Members, turn: MemberTurn): void {
  state.asked.delete('members')
  state.doubts.read = state.doubts.asked
  if (members.view > state.view) become(state, members.view, members.rows, turn)
}

/** There is another view, or may be. */
export function unchanged(state: MemberState): void {
  state.asked.delete('change')
  state.due.members = 0
}

export function changed(state: MemberState, change: Change, ok: boolean, turn: MemberTurn): void {
  if (!ok) return unchanged(state)
  state.asked.delete('change')
  if (change.view !== state.view) return
  const gone = new Set([...change.leave, change.join?.life])
  const stay = [...state.members.values()].filter(({ life }) => !gone.has(life))
  become(state, change.view + 1, change.join ? [...stay, change.join] : stay, turn)
}

/** A new view: others have come or gone, so others should have the shards. */
function become(state: MemberState, view: number, rows: readonly MemberRow[], turn: MemberTurn): void {
  const before = state.ring
  state.view = view
  state.members.clear()
  for (const row of rows) state.members.set(row.life, row)
  state.ring = [...rows].sort((a, b) => (a.name < b.name ? -1 : 1))
  forget(state)
  replan(state)
  const { at, timings } = turn
  const gone = before.filter(({ life }) => !state.members.has(life))
  const quietMs = Math.max(
    timings.settleMs,
    gone.some((row) => row.state === 'up') ? timings.afterDeathMs : 0,
    gone.some((row) => row.state === 'leaving') ? timings.afterLeavingMs : 0,
  )
  state.quietUntil = Math.max(state.quietUntil, at.monotonic + quietMs)
  if (state.phase !== 'joining' || !state.members.has(state.me.life)) return
  state.phase = 'up'
  // Others may have given it shards before it knew.
  state.due.shards = at.monotonic
}

/** The dead whom nobody names any more. */
function forget({ dead, members, shards }: MemberState): void {
  if (shards.size === 0) return
  const owners = new Set([...shards.values()].map(({ owner }) => owner))
  for (const life of dead.keys()) if (!members.has(life) && !owners.has(life)) dead.delete(life)
}

/** Also after the number of shards is known. */
export function replan(state: MemberState): void {
  const up = state.ring.filter((row) => row.state === 'up')
  const names = up.map(({ name }) => name)
  state.plan = up.length === 0 ? [] : plan(state.shards.size, names).map((index) => (up[index] as MemberRow).life)
}
