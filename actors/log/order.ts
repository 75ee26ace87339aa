/** The order of what one origin sends: behind a message that was refused for now, what was already under way is refused, too. */

import type { ErrorCode } from '../../src/protocol/codes.ts'
import { isBehind, isForNow, noteRefusal } from '../lanes.ts'
import { workOf } from './state.ts'
import type { Incoming, LogState, LogTurn, Origin } from './types.ts'

/** A program waits for each answer: it has nothing under way that could overtake. */
const nameOf = (origin: Origin): string | number | undefined => (origin.is === 'program' ? undefined : origin.ref)

/** Whether an earlier message of the same origin and round was refused for now. */
export function overtakes(log: LogState, message: Incoming): boolean {
  const { refused } = workOf(log)
  if (refused.size === 0 || message.is !== 'deliver') return false
  const name = nameOf(message.origin)
  return name !== undefined && isBehind(refused, name, message.step)
}

export function refuse(log: LogState, message: Incoming, code: ErrorCode, turn: LogTurn): void {
  const name = message.is === 'deliver' ? nameOf(message.origin) : undefined
  if (message.is === 'deliver' && name !== undefined && isForNow(code))
    noteRefusal(workOf(log).refused, name, message.step)
  turn.said.push({ says: 'answer', ticket: message.ticket, answer: { is: 'refused', code } })
}
