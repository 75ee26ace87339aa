/** What becomes of a send: it takes its turn, is delivered, has its copy where there is to be one, and is answered. */
import type { ErrorCode, RetryCode } from '../../src/protocol/codes.ts'
import type { SendFrame } from '../../src/protocol/frames.ts'
import type { Millis, Position } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import { isGroup } from '../chats.ts'
import { enter, hold, isForNow, type Lanes, leave, startLanes, type Turn } from '../lanes.ts'
import { isFull } from '../lifetime.ts'
import type { SessionState } from './state.ts'
import { error, type SessionEffect, type SessionLimits, type SessionMessage } from './types.ts'

export function send(state: SessionState, frame: SendFrame, limits: SessionLimits, out: SessionEffect[]): void {
  if (lanes(state).flying >= limits.sendsInFlight) return refuse(state, frame, 'busy', out)
  const [, id, to, , , , change] = frame
  const turn = enter(lanes(state), to, id)
  if (!turn) return void out.push(error('busy', 'send', id))
  // The other side would have it, and this one not.
  if (change === 'lifetime' && !isGroup(to) && isFull(state.settings, to, limits.listed)) {
    leave(lanes(state), to, id, turn.nth, false)
    return void out.push(error('list_full', 'send', id))
  }
  if (state.typed?.chat === to) state.typed = null
  out.push({ do: 'deliver', send: frame, turn })
}

function lanes(state: SessionState): Lanes {
  state.lanes ??= startLanes()
  return state.lanes
}

/** Refuses for now a send that was not let go. */
export function refuse(
  state: SessionState,
  [, id, to]: SendFrame,
  code: RetryCode,
  out: SessionEffect[],
  retryAfter = 0,
): void {
  hold(lanes(state), to, id)
  out.push(error(code, 'send', id, retryAfter))
}

type Answered = Extract<SessionMessage, { is: 'answered' }>
type Copied = Extract<SessionMessage, { is: 'copied' }>

export function answered(state: SessionState, { send, turn, answer }: Answered, out: SessionEffect[]): void {
  if (answer.is === 'refused') return refused(state, send, turn, answer.code, out, answer.retryAfter)
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

export function copied(state: SessionState, { send, turn, answer, ...place }: Copied, out: SessionEffect[]): void {
  if (answer.is === 'accepted') return sent(state, send, turn, place, out)
  refused(state, send, turn, answer.code === 'failed' ? 'failed' : 'busy', out)
}

function refused(
  state: SessionState,
  [, id, to]: SendFrame,
  turn: Turn,
  code: ErrorCode,
  out: SessionEffect[],
  retryAfter = 0,
): void {
  leave(lanes(state), to, id, turn.nth, isForNow(code))
  out.push(error(code, 'send', id, retryAfter))
}

function sent(
  state: SessionState,
  [, id, to]: SendFrame,
  turn: Turn,
  { at, time, lifetime }: { readonly at: Position; readonly time: Millis; readonly lifetime?: Lifetime | undefined },
  out: SessionEffect[],
): void {
  leave(lanes(state), to, id, turn.nth, false)
  const frame = ['sent', id, at.epoch, at.seq, time] as const
  out.push({ do: 'push', frame: lifetime ? [...frame, lifetime] : frame })
}
