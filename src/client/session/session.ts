/**
 * A session: one device of a user that keeps itself connected. It knows no socket, no timer, no storage and no clock but
 * the time that it is told: the client hands it what happened, performs its effects, and wakes it when it asked to be woken.
 */
import type { Millis, UserId } from '../../protocol/ids.ts'
import { never } from '../../protocol/never.ts'
import type { Times } from '../clock.ts'
import { dial, end, heard, heartbeat, lost, nextBeat, opened, retry, wait } from './connection.ts'
import { expireSent, forget, forgetOne } from './forgetting.ts'
import { handle } from './frames.ts'
import { request } from './requests.ts'
import { cancel, nextSending, pump, repeat } from './sending.ts'
import { type SessionState, say } from './state.ts'
import { advance, load } from './storage.ts'
import type { SessionEffect, SessionMessage } from './types.ts'
import { expireTyping, nextTypingEnd, typing } from './typing.ts'

export { type SessionState, startSession } from './state.ts'

/**
 * Takes a message, changes the state, and answers what is to be done, in this order. Whatever waits or is late goes by the
 * monotonic clock, which is `now` all through the machine; only what vanishes at a time of day asks for that.
 */
export function receive(state: SessionState, message: SessionMessage, times: Times): SessionEffect[] {
  const out: SessionEffect[] = []
  if (state.status.is === 'closed') return out
  change(state, message, times, out)
  if (isOnline(state)) pump(state, times.monotonic, out)
  return out
}

function change(state: SessionState, message: SessionMessage, times: Times, out: SessionEffect[]): void {
  const now = times.monotonic
  switch (message.is) {
    case 'loaded':
      load(state, message.kept)
      expireSent(state, times.now, out)
      return dial(state, now, out)
    case 'opened':
      return opened(state, message.token, out)
    case 'no_token':
      return wait(state, `no token: ${reason(message.cause)}`, times, out)
    case 'renewed':
      return say(state, ['token', message.token], out)
    case 'heard':
      for (const frame of message.frames) handle(state, frame, times, out)
      heard(state, now)
      return advance(state, out)
    case 'lost':
      return lost(state, message, times, out)
    case 'tick':
      return tick(state, times, out)
    case 'queued':
      state.outbox.add(message.out)
      if (state.typed?.chat === message.out.message.to) state.typed = undefined
      return void out.push({ do: 'tell', name: 'message', event: message.out.message })
    case 'said':
      state.saidUpTo = Math.max(state.saidUpTo, message.upTo)
      state.marking = false
      return
    case 'cancel':
      return cancel(state, message.id, out)
    case 'finished':
      state.inbox.finish()
      return advance(state, out)
    case 'stored':
      state.ackDue = state.inbox.stored(message.cursor) || state.ackDue
      return
    case 'read':
      return read(state, message, out)
    case 'watch':
      state.watches.add(message.user)
      return say(state, ['watch', message.user as UserId], out)
    case 'unwatch':
      state.watches.delete(message.user)
      return say(state, ['unwatch', message.user as UserId], out)
    case 'request':
      return request(state, message.frame, out)
    case 'forget':
      if ('id' in message) return forgetOne(state, message.id, out)
      return forget(state, message.chat, 1, message.upTo, out)
    case 'typing':
      return typing(state, message.chat, message.doing, now, out)
    case 'follow':
      if (!state.follows) request(state, ['ask', 'settings'], out)
      state.follows = true
      return
    case 'active':
      state.active = message.active
      return say(state, ['active', message.active], out)
    case 'retry':
      return retry(state, now, out)
    case 'end':
      return end(state, message.code, message.cause, out)
    default:
      return never(message)
  }
}

function tick(state: SessionState, times: Times, out: SessionEffect[]): void {
  const { status } = state
  const now = times.monotonic
  expireTyping(state, now, out)
  expireSent(state, times.now, out)
  if (status.is === 'waiting' && now >= state.retryAt) return dial(state, now, out)
  if (status.is !== 'waiting') heartbeat(state, times, out)
  if (isOnline(state)) repeat(state, now, out)
}

/** The person has read a chat up to there. Kept until the server has confirmed it. */
function read(
  state: SessionState,
  { chat, epoch, seq }: Extract<SessionMessage, { is: 'read' }>,
  out: SessionEffect[],
): void {
  if (epoch !== state.inbox.safe.epoch || (state.reads.get(chat) ?? 0) >= seq) return
  state.reads.set(chat, seq)
  state.unsaid.add(chat)
  out.push({ do: 'keep', key: `read:${chat}`, value: seq })
}

/** In how many milliseconds the session is to hear a tick; undefined once it has ended. */
export function nextWake(state: SessionState, { now, monotonic }: Times): Millis | undefined {
  if (state.status.is === 'closed') return undefined
  const next = Math.min(nextBeat(state), nextTypingEnd(state))
  const first = isOnline(state) ? Math.min(next, nextSending(state, monotonic)) : next
  return Math.max(0, Math.min(first - monotonic, state.outbox.expiresAt - now))
}

const isOnline = (state: SessionState): boolean => state.status.is === 'online'
const reason = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
