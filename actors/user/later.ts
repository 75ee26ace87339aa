/**
 * Receipts, and what was read, are told at once and are entries of the inbox later: one a chat, with the next append of this inbox,
 * so that few have a write, a push and an ack of their own. What a crash forgets of it meanwhile, whoever told it tells again.
 */
import type { LogTimer } from '../log/types.ts'
import type { UserTimer } from './messages.ts'
import type { UserState } from './state.ts'
import { workOf } from './state.ts'
import type { UserTurn } from './turn.ts'

/** What comes within this time is one entry: in a lively chat each append could take some along. */
export const coalesceMs = 1_000
/** Where nothing took it along it is written after this time: well before it is told again, which is after 15 s. */
const lateMs = 4_000

/** What was asked or told and has no answer comes again after this time: whoever is to answer may have forgotten it. */
export const retellMs = 15_000

/** Something was told that is to be an entry. `awaited`: somebody waits until it is. */
export function later(state: UserState, awaited: boolean, turn: UserTurn): void {
  workOf(state).laterSince ||= turn.now
  if (awaited) after(state, 'awaited', coalesceMs, turn)
  else after(state, 'receipts', lateMs, turn)
}

/** Whether it goes along with what is appended now. */
export const goesAlong = ({ work }: UserState, { now }: UserTurn): boolean =>
  work !== null && work.laterSince > 0 && now - work.laterSince >= coalesceMs

/** Asks for a timer, unless it is already set. */
export function after(state: UserState, timer: Exclude<UserTimer, LogTimer>, ms: number, turn: UserTurn): void {
  const { timers } = workOf(state)
  if (timers.has(timer)) return
  timers.add(timer)
  turn.effects.push({ do: 'after', ms, timer })
}
