/** What becomes of a send: it takes its turn, is delivered, has its copy where there is to be one, and is answered. */
import type { RetryCode } from '../../src/protocol/codes.ts'
import type { SendFrame } from '../../src/protocol/frames.ts'
import { isGroup, type MessageId, type Millis, type Position } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import { isQuiet } from '../../src/protocol/sealed.ts'
import { enter, hold as holdLane, isForNow, type Lanes, leave, next, type Step, startLanes } from '../lanes.ts'
import { isFull } from '../lifetime.ts'
import type { Accepted } from '../log/types.ts'
import { putOff, refund } from './rate.ts'
import type { SessionState } from './state.ts'
import { error, type SessionMessage, type SessionTurn } from './types.ts'

export function send(state: SessionState, frame: SendFrame, turn: SessionTurn): void {
  if (lanes(state).flying >= turn.limits.sendsInFlight) return refuse(state, frame, 'busy', turn)
  const [, id, to, , , , change] = frame
  const step = enter(lanes(state), to, id)
  if (!step) return follow(state, frame, turn)
  // The other side would have it, and this one not.
  if (change === 'lifetime' && !isGroup(to) && isFull(state.settings, to, turn.limits.listed)) {
    leave(lanes(state), to, id, step.nth, null)
    return void turn.effects.push(error('list_full', 'send', id))
  }
  if (state.typed?.chat === to) state.typed = null
  turn.effects.push({ do: 'deliver', send: frame, step })
}

function lanes(state: SessionState): Lanes {
  state.lanes ??= startLanes()
  return state.lanes
}

/** Refuses for now a send that was not let go, and not charged. */
export function hold(state: SessionState, [, id, to]: SendFrame, code: RetryCode, turn: SessionTurn): void {
  holdLane(lanes(state), to, id, { code, at: turn.now, every: 0 })
  tellLater(state, id, code, 0, turn)
}

/** The same for one that was charged. */
export function refuse(state: SessionState, frame: SendFrame, code: RetryCode, turn: SessionTurn): void {
  refund(state)
  hold(state, frame, code, turn)
}

/** An earlier one to the same recipient must come first. */
function follow(state: SessionState, [, id, to]: SendFrame, turn: SessionTurn): void {
  refund(state)
  const { code, at } = next(lanes(state), to)
  tellLater(state, id, code, at - turn.now, turn)
}

/** Whoever is refused for now is told when their turn is. */
function tellLater(state: SessionState, id: MessageId, code: RetryCode, retryAfter: Millis, turn: SessionTurn): void {
  turn.effects.push(error(code, 'send', id, Math.max(putOff(state, turn.limits), Math.ceil(retryAfter))))
}

type Answered = Extract<SessionMessage, { is: 'answered' }>
type Copied = Extract<SessionMessage, { is: 'copied' }>

export function answered(state: SessionState, { send, step, answer }: Answered, turn: SessionTurn): void {
  if (answer.is === 'refused') return refused(state, send, step, answer, turn)
  const { at, time, lifetime } = answer
  if (needsCopy(state, send, lifetime)) turn.effects.push({ do: 'copy', send, step, at, time, lifetime })
  else sent(state, send, step, answer, turn)
}

/** For the other devices, for the own history, or for the own side of what both must know. */
function needsCopy({ siblings, user }: SessionState, send: SendFrame, lifetime: Lifetime | undefined): boolean {
  const [, , to, body, , , change] = send
  // What is for oneself, and a change of a group, comes to all devices anyway; what one device says to another is nothing to the rest.
  if (to === user || (change && isGroup(to)) || isQuiet(body)) return false
  return siblings || change !== undefined || lifetime === 'permanent'
}

export function copied(state: SessionState, { send, step, answer, ...place }: Copied, turn: SessionTurn): void {
  if (answer.is === 'accepted') return sent(state, send, step, place, turn)
  refused(state, send, step, { code: answer.code === 'failed' ? 'failed' : 'busy' }, turn)
}

function refused(
  state: SessionState,
  [, id, to]: SendFrame,
  step: Step,
  { code, retryAfter = 0, every = 0 }: Omit<Extract<Accepted, { is: 'refused' }>, 'is'>,
  turn: SessionTurn,
): void {
  if (!isForNow(code)) {
    leave(lanes(state), to, id, step.nth, null)
    return void turn.effects.push(error(code, 'send', id))
  }
  refund(state)
  leave(lanes(state), to, id, step.nth, { code, at: turn.now + retryAfter, every })
  tellLater(state, id, code, retryAfter, turn)
}

function sent(
  state: SessionState,
  [, id, to]: SendFrame,
  step: Step,
  { at, time, lifetime }: { readonly at: Position; readonly time: Millis; readonly lifetime?: Lifetime | undefined },
  turn: SessionTurn,
): void {
  leave(lanes(state), to, id, step.nth, null)
  const frame = ['sent', id, at.epoch, at.seq, time] as const
  turn.effects.push({ do: 'push', frame: lifetime ? [...frame, lifetime] : frame })
}
