/**
 * A log: one writer, many readers. It gives messages one order, knows a repeat, keeps what is not durable, brings its readers up to
 * date, and keeps how far they are. It knows neither a user nor a group: whoever has it judges what comes, decides who may read, and
 * heeds what it says.
 *
 *     accept(log, { is: 'deliver', from: 'alice', … }, turn)
 *     // turn.effects: [{ do: 'append', epoch: 7, entries: [{ is: 'message', seq: 1, … }] }]
 *     answered(log, { is: 'appended', first: 1, last: 1 }, undefined, turn)
 *     // turn.said: [{ says: 'stands', entry }, { says: 'answer', ticket, answer }, { says: 'pushed', reader, … }]
 */
import { never } from '../../src/protocol/never.ts'
import { appendAgain, appended, found, unappended } from './append.ts'
import { renamed, wentBack, writeName } from './certain.ts'
import { saveAtOnce, saved, saveNow } from './cursors.ts'
import { goOn, page } from './readers.ts'
import { readerOf, workOf } from './state.ts'
import { started } from './timers.ts'
import type { LogAnswer, LogState, LogTimer, LogTurn } from './types.ts'

export { accept, resume, write } from './append.ts'
export { ack, attach, detach } from './readers.ts'

/** The store has answered. */
export function answered(log: LogState, message: LogAnswer, turn: LogTurn): void {
  switch (message.is) {
    case 'found':
      return found(log, message.repeats, turn)
    case 'appended':
      return appended(log, message.last, turn)
    case 'unappended':
      return unappended(log, turn)
    case 'page':
      return page(log, readerOf(log, message.reader), message.from, message.entries, turn)
    case 'saved':
      wentBack(log, message.ok)
      saved(log, message.ok, turn)
      if (message.ok && workOf(log).goingBack.length > 0) saveNow(log, turn)
      return goOn(log, turn)
    case 'renamed':
      renamed(log, message.ok, turn)
      return goOn(log, turn)
    case 'started':
      return started(log, message, turn)
    case 'refusals':
      for (const [origin, step] of message.steps) workOf(log).refused.set(origin, step)
      return
    default:
      return never(message)
  }
}

/** A timer that the log asked for has run out. */
export function timer(log: LogState, timer: LogTimer, turn: LogTurn): void {
  const { timers, starting } = workOf(log)
  timers.delete(timer)
  switch (timer) {
    case 'append':
      return appendAgain(log, turn)
    case 'save':
      return saveNow(log, turn)
    case 'rename':
      return writeName(log, turn)
    case 'saveAcks':
      log.saveTimed = false
      return saveNow(log, turn)
    case 'stay':
      return saveAtOnce(log, turn)
    case 'start':
      return starting.clear()
    default:
      return never(timer)
  }
}
