/**
 * The user actor: the one writer and reader of a user's inbox. It lives while a device is attached or mail is being
 * appended. It does no I/O: it answers each message with effects, which its host performs.
 *
 *     const { effects } = receive(startUser('bob', undefined, 7), { is: 'deliver', from: 'alice', … }, limits, now)
 *     // effects: [{ do: 'append', entries: [{ is: 'message', seq: 1, … }] }]
 *
 * It is not: a session (which speaks to the socket), a store, or a place for anything that must survive a crash.
 */
import type { Millis } from '../../src/protocol/ids.ts'
import type { Next } from '../../src/runtime/index.ts'
import { accept, appendAgain, appended, found, unappended } from './append.ts'
import { saved, saveNow } from './cursors.ts'
import { erase, erased, looked, past, readBack } from './deletion.ts'
import { askDevices, remove } from './devices.ts'
import { recalled, recalling } from './known.ts'
import { askSettings, kept, set } from './preferences.ts'
import { checked, heard, read, receipted, retell, scanned, writeNews } from './receipts.ts'
import { ack, attach, detach, page, stand } from './replay.ts'
import { work } from './state.ts'
import { startDue, started } from './timers.ts'
import type { Timer, UserEffect, UserLimits, UserMessage, UserState } from './types.ts'

/** `effects`: those that earlier messages of the turn asked for, which come first. */
export function receive(
  state: UserState,
  message: UserMessage,
  limits: UserLimits,
  now: Millis,
  effects: UserEffect[] = [],
): Next<UserState, UserEffect> {
  handle(state, message, limits, now, effects)
  if (state.waiting) startDue(state, limits, now, effects)
  return { state, effects }
}

function handle(state: UserState, message: UserMessage, limits: UserLimits, now: Millis, out: UserEffect[]): void {
  switch (message.is) {
    case 'deliver':
    case 'copy':
      return accept(state, message, limits, now, out)
    case 'found':
      return found(state, message.repeats, limits, now, out)
    case 'appended':
      return appended(state, message.last, limits, now, out)
    case 'unappended':
      return unappended(state, out)
    case 'attach':
      return attach(state, message, limits, now, out)
    case 'stand':
      return stand(state, message, out)
    case 'detach':
      return detach(state, message.session, now, out)
    case 'page':
      if (message.session === 0) return scanned(state, message.from, message.entries, out)
      if (message.session === recalling) return recalled(state, message.entries, now, out)
      return page(state, message.session, message.from, message.entries, limits, now, out)
    case 'ack':
      return ack(state, message.session, message.seq, limits, out)
    case 'read':
      return read(state, message.session, message.chat, message.seq, limits, now, out)
    case 'checked':
      work(state).checks -= 1
      return checked(state, message.session, message.chat, message.seq, message.at, true, limits, now, out)
    case 'receipt':
      return heard(state, message, out)
    case 'receipted':
      return receipted(state, message, out)
    case 'saved':
      return saved(state, message.ok, out)
    case 'set':
      return set(state, message, limits, now, out)
    case 'kept':
      return kept(state, message.ok, limits, now, out)
    case 'ask':
      if (message.what === 'devices') return askDevices(state, message.session, limits, now, out)
      return askSettings(state, message.session, out)
    case 'remove':
      return remove(state, message, limits, now, out)
    case 'delete':
      return erase(state, message, out)
    case 'looked':
      return looked(state, message, out)
    case 'erased':
      return erased(state, message, limits, now, out)
    case 'history':
      return readBack(state, message, limits, out)
    case 'past':
      return past(state, message, out)
    case 'started':
      return started(state, message, out)
    case 'settled':
      state.settled = message.upTo
      return
    case 'refusals':
      for (const [session, turn] of message.turns) work(state).refused.set(session, turn)
      return
    case 'timer':
      return timer(state, message.timer, now, out)
  }
}

function timer(state: UserState, timer: Timer, now: Millis, out: UserEffect[]): void {
  work(state).timers.delete(timer)
  switch (timer) {
    case 'append':
      return appendAgain(state, out)
    case 'save':
      return saveNow(state, now, out)
    case 'saveAcks':
      state.saveTimed = false
      return saveNow(state, now, out)
    case 'stay':
      state.unsaved = Math.max(state.unsaved, 1)
      return saveNow(state, now, out)
    case 'receipts':
      return writeNews(state, now, out)
    case 'retell':
      return retell(state, out)
    case 'start':
      work(state).starting = null
      return
  }
}
