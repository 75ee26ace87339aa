/** What becomes of a send: it takes its turn, is delivered, has its copy where there is to be one, and is answered. */
import type { RetryCode } from '../../src/protocol/codes.ts'
import type { SendFrame } from '../../src/protocol/frames.ts'
import { isGroup, type MessageId, type Millis, type Position } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import { enter, hold as holdLane, isForNow, type Lanes, leave, next, startLanes, type Turn } from '../lanes.ts'
import { isFull } from '../lifetime.ts'
import type { Accepted } from '../user/types.ts'
import { putOff, refund } from './rate.ts'
import type { SessionState } from './state.ts'
import { error, type SessionEffect, type SessionLimits, type SessionMessage } from './types.ts'

export function send(
  state: SessionState,
  frame: SendFrame,
  limits: SessionLimits,
  now: Millis,
  out: SessionEffect[],
): void {
  if (lanes(state).flying >= limits.sendsInFlight) return refuse(state, frame, 'busy', limits, now, out)
  const [, id, to, , , , change] = frame
  const turn = enter(lanes(state), to, id)
  if (!turn) return follow(state, frame, limits, now, out)
  // The other side would have it, and this one not.
  if (change === 'lifetime' && !isGroup(to) && isFull(state.settings, to, limits.listed)) {
    leave(lanes(state), to, id, turn.nth, null)
    return void out.push(error('list_full', 'send', id))
  }
  if (state.typed?.chat === to) state.typed = null
  out.push({ do: 'deliver', send: frame, turn })
}

function lanes(state: SessionState): Lanes {
  state.lanes ??= startLanes()
  return state.lanes
}

/** Refuses for now a send that was not let go, and not charged. */
export function hold(
  state: SessionState,
  [, id, to]: SendFrame,
  code: RetryCode,
  limits: SessionLimits,
  now: Millis,
  out: SessionEffect[],
): void {
  holdLane(lanes(state), to, id, { code, at: now, every: 0 })
  tellLater(state, id, code, 0, limits, out)
}

/** The same for one that was charged. */
export function refuse(
  state: SessionState,
  frame: SendFrame,
  code: RetryCode,
  limits: SessionLimits,
  now: Millis,
  out: SessionEffect[],
): void {
  refund(state)
  hold(state, frame, code, limits, now, out)
}

/** An earlier one to the same recipient must come first. */
function follow(
  state: SessionState,
  [, id, to]: SendFrame,
  limits: SessionLimits,
  now: Millis,
  out: SessionEffect[],
): void {
  refund(state)
  const { code, at } = next(lanes(state), to)
  tellLater(state, id, code, at - now, limits, out)
}

/** Whoever is refused for now is told when their turn is. */
function tellLater(
  state: SessionState,
  id: MessageId,
  code: RetryCode,
  retryAfter: Millis,
  limits: SessionLimits,
  out: SessionEffect[],
): void {
  out.push(error(code, 'send', id, Math.max(putOff(state, limits), Math.ceil(retryAfter))))
}

type Answered = Extract<SessionMessage, { is: 'answered' }>
type Copied = Extract<SessionMessage, { is: 'copied' }>

export function answered(
  state: SessionState,
  { send, turn, answer }: Answered,
  limits: SessionLimits,
  now: Millis,
  out: SessionEffect[],
): void {
  if (answer.is === 'refused') return refused(state, send, turn, answer, limits, now, out)
  const { at, time, lifetime } = answer
  if (needsCopy(state, send, lifetime)) out.push({ do: 'copy', send, turn, at, time, lifetime })
  else sent(state, send, turn, answer, out)
}

/** For the other devices, for the own history, or for the own side of what both must know. */
function needsCopy({ siblings, user }: SessionState, send: SendFrame, lifetime: Lifetime | undefined): boolean {
  const [, , to, , , , change] = send
  // What is for oneself, and a change of a group, comes to all devices anyway.
  if (to === user || (change && isGroup(to))) return false
  return siblings || change !== undefined || lifetime === 'permanent'
}

export function copied(
  state: SessionState,
  { send, turn, answer, ...place }: Copied,
  limits: SessionLimits,
  now: Millis,
  out: SessionEffect[],
): void {
  if (answer.is === 'accepted') return sent(state, send, turn, place, out)
  refused(state, send, turn, { code: answer.code === 'failed' ? 'failed' : 'busy' }, limits, now, out)
}

function refused(
  state: SessionState,
  [, id, to]: SendFrame,
  turn: Turn,
  { code, retryAfter = 0, every = 0 }: Omit<Extract<Accepted, { is: 'refused' }>, 'is'>,
  limits: SessionLimits,
  now: Millis,
  out: SessionEffect[],
): void {
  if (!isForNow(code)) {
    leave(lanes(state), to, id, turn.nth, null)
    return void out.push(error(code, 'send', id))
  }
  refund(state)
  leave(lanes(state), to, id, turn.nth, { code, at: now + retryAfter, every })
  tellLater(state, id, code, retryAfter, limits, out)
}

function sent(
  state: SessionState,
  [, id, to]: SendFrame,
  turn: Turn,
  { at, time, lifetime }: { readonly at: Position; readonly time: Millis; readonly lifetime?: Lifetime | undefined },
  out: SessionEffect[],
): void {
  leave(lanes(state), to, id, turn.nth, null)
  const frame = ['sent', id, at.epoch, at.seq, time] as const
  out.push({ do: 'push', frame: lifetime ? [...frame, lifetime] : frame })
}
