/** The order of what one origin sends: behind a message that was refused for now, what was already under way is refused, too. */

import type { ErrorCode } from '../../src/protocol/codes.ts'
import { isBefore, isForNow } from '../lanes.ts'
import { workOf } from './state.ts'
import type { Deliver, Incoming, LogState, LogTurn, Origin } from './types.ts'

/** Origins with a refused message that are remembered. */
const remembered = 1_024

/** A program waits for each answer: it has nothing under way that could overtake. */
const nameOf = (origin: Origin): string | number | undefined => (origin.is === 'program' ? undefined : origin.ref)

/** Whether an earlier message of the same origin and round was refused for now. */
export function overtakes(log: LogState, message: Incoming): boolean {
  const { refused } = workOf(log)
  if (refused.size === 0 || message.is !== 'deliver') return false
  const name = nameOf(message.origin)
  const step = name === undefined ? undefined : refused.get(name)
  return step !== undefined && !isBefore(message.step, step)
}

export function refuse(log: LogState, message: Incoming, code: ErrorCode, turn: LogTurn): void {
  if (isForNow(code) && message.is === 'deliver' && !overtakes(log, message)) noteRefused(log, message)
  turn.said.push({ says: 'answer', ticket: message.ticket, answer: { is: 'refused', code } })
}

function noteRefused(log: LogState, { origin, step }: Deliver): void {
  const name = nameOf(origin)
  if (name === undefined) return
  const { refused } = workOf(log)
  refused.delete(name)
  refused.set(name, step)
  if (refused.size > remembered) refused.delete(refused.keys().next().value as string | number)
}
