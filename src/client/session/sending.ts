/** What is said to the server, and when: sends within its window and its rate, acknowledgements and reads in one frame for many. */
import { bodySize, type ClientFrame } from '../../protocol/frames.ts'
import type { MessageId, Millis, UserId } from '../../protocol/ids.ts'
import type { ClientLimits } from '../../protocol/told-limits.ts'
import type { Outgoing } from '../types.ts'
import { mediaRef } from './attachment.ts'
import { repeatRequests, sayRequests } from './requests.ts'
import { type SessionState, say, spend } from './state.ts'
import { rose } from './storage.ts'
import type { Out, SessionEffect } from './types.ts'

/** The part of the server's rate that this client uses for sends and reads; the rest is for pings, watches and typing. */
const share = 0.95
/** Milliseconds between acknowledgements, and between reads; then until a budget that is used up is looked at again. */
const paceMs = 20
const refillMs = 100

/** Says what may be said now. */
export function pump(state: SessionState, now: Millis, out: SessionEffect[]): void {
  const rate = state.limits.framesPerSecond * share
  state.budget = Math.min(rate, state.budget + ((now - state.budgetAt) * rate) / 1_000)
  state.budgetAt = now
  // What was read is said before it is deleted: of what is gone no read could be told.
  if (now - state.toldAt >= paceMs || state.unsaidRequests.size > 0) tell(state, now, out)
  sayRequests(state, out)
  sayQuestions(state, out)
  sendQueued(state, now, out)
}

/** Asks whether what was told in an earlier life of the node still holds. */
function sayQuestions(state: SessionState, out: SessionEffect[]): void {
  const { questions } = state.outbox
  for (const question of questions) {
    if (state.budget < 1) return
    questions.delete(question)
    const { to, epoch, life, seq } = question
    spend(state, ['stand', to as UserId, epoch, seq, life], out)
  }
}

/** Acknowledges, and says what is read. */
function tell(state: SessionState, now: Millis, out: SessionEffect[]): void {
  if (!state.ackDue && state.unsaid.size === 0) return
  state.toldAt = now
  if (state.ackDue) say(state, ['ack', state.inbox.safe.seq], out)
  state.ackDue = false
  for (const chat of state.unsaid) {
    if (state.budget < 1) return
    state.unsaid.delete(chat)
    const seq = state.reads.get(chat)
    if (seq !== undefined) spend(state, ['read', chat as UserId, seq], out)
  }
}

/** What was queued without a connection a later run can take back, until the storage has that it may have been said. */
function keepSaid(state: SessionState, out: SessionEffect[]): void {
  if (state.marking) return
  state.marking = true
  const upTo = state.outbox.unsaidUpTo
  const then = { is: 'said', upTo } as const
  out.push({ do: 'keep', key: 'said', value: upTo, then })
}

function sendQueued(state: SessionState, now: Millis, out: SessionEffect[]): void {
  const { lines, unsaidUpTo } = state.outbox
  if (unsaidUpTo > state.saidUpTo) return keepSaid(state, out)
  lines.release(now)
  while (state.budget >= 1 && lines.flying < state.limits.sendsInFlight) {
    const next = lines.next()
    if (!next) return
    if (isTooLarge(next.message, state.limits)) {
      state.outbox.refused(next, 'too_large')
      rose(state, next, out)
      continue
    }
    spend(state, sendFrame(next), out)
    next.again = true
  }
}

/** Takes back a message that was never said: of any other nobody knows whether the server has it. */
export function cancel(state: SessionState, id: string, out: SessionEffect[]): void {
  const waiting = state.outbox.get(id)
  if (!waiting || waiting.again || waiting.message.state !== 'queued') return
  state.outbox.refused(waiting, 'cancelled')
  rose(state, waiting, out)
}

function sendFrame({ message, again }: Out): ClientFrame {
  const { id, to, body, media, change } = message
  const frame = ['send', id as MessageId, to as UserId, body, again] as const
  const ref = media && mediaRef(media)
  if (change) return [...frame, ref, change]
  return ref ? [...frame, ref] : frame
}

/** Says again what was refused for now. */
export function repeat(state: SessionState, now: Millis, out: SessionEffect[]): void {
  if (state.repeatAt === 0 || state.repeatAt > now) return
  state.repeatAt = 0
  for (const chat of state.reads.keys()) state.unsaid.add(chat)
  repeatRequests(state)
  state.outbox.askAgain()
  for (const user of state.watches) say(state, ['watch', user as UserId], out)
}

/** When this part is to be woken, of a session that is online. */
export function nextSending(state: SessionState, now: Millis): Millis {
  const times = [state.outbox.lines.heldUntil ?? Number.POSITIVE_INFINITY]
  if (state.ackDue || state.unsaid.size > 0) times.push(Math.max(state.toldAt + paceMs, now + 1))
  if (state.repeatAt > 0) times.push(state.repeatAt)
  if (state.budget < 1) times.push(now + refillMs)
  return Math.min(...times)
}

/** Bytes that a frame may need around its body, and for a preview in base64. */
const around = 512
const forMedia = 6 * 1024
/** A control character takes six bytes in JSON. */
const widest = 6

/** Whether the server would not take a body. It closes the connection for good on a frame that is too large, so none is sent. */
export function isTooLarge(message: Pick<Outgoing, 'body' | 'media'>, limits: ClientLimits): boolean {
  const { body, media } = message
  const size = bodySize(body)
  const room = limits.frameBytes - around - (media ? forMedia : 0)
  if (size > limits.bodyBytes) return true
  if (size * widest <= room) return false
  return (typeof body === 'string' ? bodySize(JSON.stringify(body)) : (size * 4) / 3) > room
}

/** An upper bound for the bytes of a frame on the wire. */
export function frameSize(frame: ClientFrame): number {
  if (frame[0] !== 'send') return around
  return around + bodySize(frame[3]) * widest + (frame[5] ? forMedia : 0)
}
