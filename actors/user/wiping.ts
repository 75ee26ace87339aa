/**
 * Wiping: all that is kept of the user goes, as operators want it. First nothing new is taken, and the store is asked whether they want it
 * still: whom they have let in again meanwhile, by another node, keeps what has come since. Then the devices go; when nothing is under way
 * the store is asked to wipe, again and again until it has done it. What a crash leaves undone whoever asked for it asks for again: between
 * any two steps of the store the inbox is one whose oldest entries have expired.
 */

import { refuse } from '../log/order.ts'
import { isWriting } from '../log/state.ts'
import type { Ticket } from '../log/types.ts'
import { openSettings } from '../settings.ts'
import { giveUp } from './deletion.ts'
import type { UserMessage } from './messages.ts'
import type { UserState } from './state.ts'
import { workOf } from './state.ts'
import type { UserTurn } from './turn.ts'

/** What the store could not do is asked for again after this time. */
const againMs = 1_000

/** Who asks for it while it is under way is answered with the others. */
export function wipe(state: UserState, ticket: Ticket, turn: UserTurn): void {
  const work = workOf(state)
  if (!work.wipe) turn.effects.push({ do: 'confirmWipe' })
  work.wipe ??= { tickets: [], step: 'confirms' }
  work.wipe.tickets.push(ticket)
}

/** Whether the erasure is under way; null: the store did not answer. */
export function wipeConfirmed(state: UserState, isUnderWay: boolean | null, turn: UserTurn): void {
  const wipe = state.work?.wipe
  if (wipe?.step !== 'confirms') return
  if (isUnderWay === null) return void turn.effects.push({ do: 'after', ms: againMs, timer: 'wipe' })
  if (!isUnderWay) return spare(state, turn)
  letGo(state, turn)
  wipe.step = 'quiets'
}

/** Nothing is taken away. What devices have told meanwhile was not heard: they come back, and tell it again. */
function spare(state: UserState, turn: UserTurn): void {
  const work = workOf(state)
  for (const { session } of state.log.readers)
    if (session !== 0) turn.effects.push({ do: 'close', session, code: 'restarted' })
  for (const ticket of work.wipe?.tickets ?? [])
    turn.effects.push({ do: 'answer', ticket, answer: { is: 'refused', code: 'refused' } })
  work.wipe = null
}

/** Devices, and what waits to be told or written: of that nobody will hear. */
function letGo(state: UserState, turn: UserTurn): void {
  const { log } = state
  const work = workOf(state)
  for (const { session } of log.readers)
    if (session !== 0) turn.effects.push({ do: 'close', session, code: 'disconnected' })
  log.readers = []
  giveUp(state, turn)
  for (const waiting of [work.outstanding, work.early, work.receipts]) waiting.clear()
  work.askers.clear()
  Object.assign(work, { reads: null, removals: [], laterSince: 0, listing: null })
}

/** What comes while it is under way is refused for now, or is of devices that are gone; whether there is nothing more to do with it. */
export function turnsAway(state: UserState, message: UserMessage, turn: UserTurn): boolean {
  if (!state.work?.wipe) return false
  switch (message.is) {
    case 'deliver':
    case 'copy':
      refuse(state.log, message, 'busy', turn)
      return true
    case 'attach':
      turn.effects.push({ do: 'close', session: message.session, code: 'disconnected' })
      return true
    case 'erase':
      turn.effects.push({ do: 'answer', ticket: message.ticket, answer: { is: 'refused', code: 'busy' } })
      return true
    case 'receipt':
    case 'set':
    case 'read':
    case 'ack':
    case 'remove':
    case 'delete':
    case 'history':
    case 'ask':
      return true
    default:
      return false
  }
}

/** As soon as nothing is under way, the store is asked. */
export function wipeWhenQuiet(state: UserState, turn: UserTurn): void {
  const wipe = state.work?.wipe
  if (wipe?.step !== 'quiets' || !isQuiet(state)) return
  wipe.step = 'wipes'
  turn.effects.push({ do: 'wipe' })
}

function isQuiet({ log, work }: UserState): boolean {
  if (isWriting(log) || (log.work && log.work.starting.size > 0)) return false
  if (!work) return true
  const { changes, deletions, starts, histories, checks, scanning, recalling, recallsReads } = work
  const reads = starts + histories + checks + deletions.length
  return !changes && reads === 0 && !scanning && !recalling && !recallsReads
}

export function wipeAgain({ work }: UserState, turn: UserTurn): void {
  if (work?.wipe?.step === 'confirms') turn.effects.push({ do: 'confirmWipe' })
  else if (work?.wipe) work.wipe.step = 'quiets'
}

/** Nothing is kept but where the inbox ends: all before counts as told. */
export function wiped(state: UserState, ok: boolean, turn: UserTurn): void {
  const { log, work } = state
  if (!work?.wipe) return
  if (!ok) return void turn.effects.push({ do: 'after', ms: againMs, timer: 'wipe' })
  const { tail: seq, epoch, lastTime: time } = log
  Object.assign(log, { readers: [], head: seq + 1, settled: seq, waiting: null, unsaved: 0 })
  if (log.work) log.work.goingBack = []
  Object.assign(state, { settings: openSettings, alone: null, work: null })
  turn.effects.push({ do: 'settingsChanged', settings: openSettings })
  for (const ticket of work.wipe.tickets)
    turn.effects.push({ do: 'answer', ticket, answer: { is: 'accepted', at: { epoch, seq }, time } })
}
