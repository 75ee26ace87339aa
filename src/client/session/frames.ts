/** What the server says. */
import { mayRetry } from '../../protocol/codes.ts'
import type { EntryFrame, ServerFrame } from '../../protocol/frames.ts'
import type { Millis, UserId } from '../../protocol/ids.ts'
import type { Times } from '../clock.ts'
import { StorageError } from '../errors.ts'
import { become, end, giveUp, ponged } from './connection.ts'
import { forget } from './forgetting.ts'
import type { Received } from './inbox.ts'
import { isWaiting } from './lines.ts'
import { copy, receipt, sent, stands, unanswered } from './own.ts'
import { answered, forgetDeletions, repeatRequests, told, unlessDeleted } from './requests.ts'
import { settingsOf } from './settings.ts'
import { type SessionState, say } from './state.ts'
import { keepCursor, rose } from './storage.ts'
import type { SessionEffect } from './types.ts'
import { heardTyping } from './typing.ts'

/** A frame of this kind. */
export type Of<Kind extends ServerFrame[0]> = Extract<ServerFrame, readonly [Kind, ...unknown[]]>

/** Milliseconds before a refused frame is repeated, where the server names none. */
const leastRetryMs = 100

export function handle(state: SessionState, frame: ServerFrame, times: Times, out: SessionEffect[]): void {
  const now = times.monotonic
  if (frame[0] === 'welcome') return welcome(state, frame, now, out)
  // The same hello would be refused again.
  if (frame[0] === 'error' && frame[2] === 'hello' && !mayRetry(frame[1])) return end(state, frame[1], undefined, out)
  // Nothing counts before the welcome, nor after something in the same batch has ended the connection.
  if (state.status.is !== 'online') return
  switch (frame[0]) {
    case 'message':
    case 'copy':
    case 'receipt':
    case 'seen':
    case 'gone':
    case 'deleted':
      return entry(state, frame, times, out)
    case 'sent':
      return sent(state, frame, times.now, out)
    case 'error':
      return error(state, frame, now, out)
    case 'done':
      return done(state, frame, now, out)
    case 'stands':
      return stands(state, frame, out)
    case 'presence': {
      const [, user, online, lastSeen] = frame
      const presence = online || lastSeen === null ? { online } : { online, lastSeen: new Date(lastSeen) }
      return void out.push({ do: 'presence', user, presence })
    }
    case 'typing':
      return heardTyping(state, frame[1], frame[2], frame[3], now, out)
    case 'past':
    case 'device':
    case 'chat':
      return void state.listing.push(frame)
    case 'group':
    case 'ticked':
      return told(state, frame, out)
    case 'settings':
      state.settings = settingsOf(frame)
      return void out.push({ do: 'tell', name: 'settings', event: state.settings })
    case 'renew':
      return void out.push({ do: 'renew' })
    case 'ping':
      return say(state, ['pong', frame[1]], out)
    case 'pong':
      return ponged(state, frame[1])
    case 'live':
    // Of end-to-end encryption, which takes them before they come here.
    case 'links':
    case 'bundles':
    case 'low':
      return
    default:
      // Of a later version of the server.
      return void (frame satisfies never)
  }
}

/** Comes again when the server has lost what it knew of this session: both sides say what they have. */
function welcome(state: SessionState, frame: Of<'welcome'>, now: Millis, out: SessionEffect[]): void {
  const [, user, device, epoch, seq, tail, resumed, , limits, why, life = 0] = frame
  if (state.user !== undefined && state.user !== user) {
    const code = 'storage_of_another_user'
    return end(state, code, new StorageError(code, `the storage is of ${state.user}`), out)
  }
  state.user = user
  state.limits = limits
  const known = state.inbox.safe.epoch
  if (known !== 0 && (epoch !== known || why === 'reset')) forgetPlaces(state, out)
  const gap = state.inbox.welcome({ epoch, seq, life }, tail, resumed, why === 'reset')
  keepCursor(state, state.inbox.safe, out)
  state.outbox.lines.grounded()
  if (state.status.is !== 'online') state.since = now
  become(state, { is: 'online', user, device }, out)
  if (gap) out.push({ do: 'tell', name: 'gap', event: { epoch, seq, why: why ?? null } })
  // After a restart of its actor the server may know less than it was told.
  if (state.inbox.safe.seq > seq) state.ackDue = true
  for (const chat of state.reads.keys()) state.unsaid.add(chat)
  state.outbox.welcome(life)
  state.listing = []
  repeatRequests(state)
  for (const watched of state.watches) say(state, ['watch', watched as UserId], out)
}

/** Reads and deletions name positions of a log that is no more. */
function forgetPlaces(state: SessionState, out: SessionEffect[]): void {
  forgetDeletions(state, out)
  for (const chat of state.reads.keys()) out.push({ do: 'keep', key: `read:${chat}`, value: undefined })
  state.reads.clear()
}

function entry(state: SessionState, said: EntryFrame, times: Times, out: SessionEffect[]): void {
  const frame = unlessDeleted(state, said)
  if (frame[0] === 'receipt' && frame[1] === 0) return receipt(state, frame, out)
  if (frame[0] === 'seen' && frame[1] === 0) return seen(state, frame[2], frame[3], out)
  const taken = state.inbox.take(frame)
  if (taken === 'hole') return giveUp(state, 'hole', times, out)
  if (frame[0] === 'gone' || frame[0] === 'deleted') out.push({ do: 'arrived' })
  if (taken === 'repeat') return
  if (frame[0] === 'message') return message(state, frame, times.monotonic, out)
  if (frame[0] === 'receipt') return receipt(state, frame, out)
  if (frame[0] === 'seen') return seen(state, frame[2], frame[3], out)
  if (frame[0] === 'deleted') return forget(state, frame[2], frame[3], frame[4], out)
  if (frame[0] === 'copy') copy(state, frame, times.now, out)
}

/** A device of this user has read a chat; also told of what this one has. */
function seen(state: SessionState, chat: string, seq: number, out: SessionEffect[]): void {
  out.push({ do: 'tell', name: 'seen', event: { chat, epoch: state.inbox.safe.epoch, seq } })
}

/** Who sent a message types no more. */
function message(state: SessionState, frame: Of<'message'>, now: Millis, out: SessionEffect[]): void {
  const from = frame[3]
  heardTyping(state, frame[7]?.group ?? from, 0, from, now, out)
  out.push({ do: 'tell', name: 'arrived', event: state.inbox.newest as Received })
}

function error(state: SessionState, frame: Of<'error'>, now: Millis, out: SessionEffect[]): void {
  const [, code, kind, ref, retryAfter] = frame
  const again = now + Math.max(retryAfter, leastRetryMs)
  const refused = kind === 'send' && ref !== null ? state.outbox.get(ref) : undefined
  if (refused && isWaiting(refused)) {
    if (mayRetry(code)) return state.outbox.lines.hold(refused, again)
    state.outbox.refused(refused, code)
    return rose(state, refused, out)
  }
  if (answered(state, { kind, ref, code, answer: [] }, again, out)) return
  if (kind !== 'read' && kind !== 'watch' && kind !== 'stand') return
  if (mayRetry(code)) {
    state.repeatAt = Math.max(state.repeatAt, again)
    return
  }
  if (kind === 'stand') return unanswered(state, ref ?? '', out)
  if (kind === 'read' && ref !== null && state.reads.delete(ref))
    out.push({ do: 'keep', key: `read:${ref}`, value: undefined })
  out.push({ do: 'tell', name: 'refused', event: { kind, ref, code } })
}

function done(state: SessionState, [, kind, ref, seq, from]: Of<'done'>, now: Millis, out: SessionEffect[]): void {
  const answer = state.listing
  state.listing = []
  if (answered(state, { kind, ref, seq, from, code: null, answer }, now, out)) return
  if (kind !== 'read') return
  seen(state, ref, seq, out)
  if ((state.reads.get(ref) ?? Number.POSITIVE_INFINITY) > seq) return
  state.reads.delete(ref)
  out.push({ do: 'keep', key: `read:${ref}`, value: undefined })
}
