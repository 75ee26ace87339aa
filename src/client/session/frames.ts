/** What the server says. */
import { mayRetry } from '../../protocol/codes.ts'
import type { EntryFrame, ServerFrame } from '../../protocol/frames.ts'
import type { Millis, UserId } from '../../protocol/ids.ts'
import { attachment } from './attachment.ts'
import { become, end, giveUp } from './connection.ts'
import { keepCursor, keepMark, rose } from './keeping.ts'
import { answered, repeatRequests, told } from './requests.ts'
import { type SessionState, say } from './state.ts'
import type { SessionEffect } from './types.ts'
import { heardTyping } from './typing.ts'

type Of<Kind extends ServerFrame[0]> = Extract<ServerFrame, readonly [Kind, ...unknown[]]>

/** Milliseconds before a refused frame is repeated, where the server names none. */
const leastRetryMs = 100

export function handle(state: SessionState, frame: ServerFrame, now: Millis, out: SessionEffect[]): void {
  if (frame[0] === 'welcome') return welcome(state, frame, now, out)
  // Nothing counts before the welcome, nor after something in the same batch has ended the connection.
  if (state.status.is !== 'online') return
  switch (frame[0]) {
    case 'message':
    case 'copy':
    case 'receipt':
    case 'seen':
    case 'gone':
    case 'deleted':
      return entry(state, frame, now, out)
    case 'sent':
      return sent(state, frame, out)
    case 'error':
      return error(state, frame, now, out)
    case 'done':
      return done(state, frame, now, out)
    case 'presence': {
      const [, user, online, lastSeen] = frame
      const presence = online || lastSeen === null ? { online } : { online, lastSeen: new Date(lastSeen) }
      return void out.push({ do: 'presence', user, presence })
    }
    case 'typing':
      return heardTyping(state, frame[1], frame[2], frame[3], now, out)
    case 'group':
    case 'ticked':
      return told(state, frame, out)
    case 'settings':
      return settings(state, frame, out)
    case 'device': {
      const [, device, connected, lastSeen] = frame
      return void state.listing.push({ device, connected, lastSeen: new Date(lastSeen) })
    }
    case 'ping':
      return say(state, ['pong', frame[1]], out)
  }
}

/** Comes again when the server has lost what it knew of this session: both sides say what they have. */
function welcome(state: SessionState, frame: Of<'welcome'>, now: Millis, out: SessionEffect[]): void {
  const [, user, device, epoch, seq, , resumed, , limits, why] = frame
  if (state.user !== undefined && state.user !== user) return end(state, 'storage_of_another_user', undefined, out)
  state.user = user
  state.limits = limits
  if (epoch !== state.inbox.safe.epoch) forgetReads(state, out)
  const gap = state.inbox.welcome(epoch, seq, resumed)
  keepCursor(state, state.inbox.safe, out)
  state.outbox.lines.grounded()
  if (state.status.is !== 'online') state.since = now
  become(state, { is: 'online', user, device }, out)
  if (gap) out.push({ do: 'tell', name: 'gap', event: { epoch, seq, why: why ?? null } })
  // After a restart of its actor the server may know less than it was told.
  if (state.inbox.safe.seq > seq) state.ackDue = true
  for (const chat of state.reads.keys()) state.unsaid.add(chat)
  state.listing = []
  repeatRequests(state)
  for (const watched of state.watches) say(state, ['watch', watched as UserId], out)
}

/** Reads name positions of a log that is no more. */
function forgetReads(state: SessionState, out: SessionEffect[]): void {
  for (const chat of state.reads.keys()) out.push({ do: 'keep', key: `read:${chat}`, value: undefined })
  state.reads.clear()
}

function entry(state: SessionState, frame: EntryFrame, now: Millis, out: SessionEffect[]): void {
  if (frame[0] === 'receipt' && frame[1] === 0) return receipt(state, frame, out)
  if (frame[0] === 'seen' && frame[1] === 0) return seen(state, frame, out)
  const taken = state.inbox.take(frame)
  if (taken === 'hole') return giveUp(state, 'hole', now, out)
  if (taken === 'repeat') return
  if (frame[0] === 'message') return message(state, frame, now, out)
  if (frame[0] === 'receipt') return receipt(state, frame, out)
  if (frame[0] === 'seen') return seen(state, frame, out)
  if (frame[0] === 'copy') copy(state, frame, out)
}

/** A device of this user has read a chat; also told of what this one has. */
function seen(state: SessionState, [, , chat, seq]: Of<'seen'>, out: SessionEffect[]): void {
  out.push({ do: 'tell', name: 'seen', event: { chat, epoch: state.inbox.safe.epoch, seq } })
}

/** Who sent a message types no more. */
function message(state: SessionState, frame: Of<'message'>, now: Millis, out: SessionEffect[]): void {
  const from = frame[3]
  heardTyping(state, frame[7]?.group ?? from, 0, from, now, out)
  out.push({ do: 'arrived' })
}

function receipt(state: SessionState, [, , peer, epoch, delivered, read]: Of<'receipt'>, out: SessionEffect[]): void {
  for (const risen of state.outbox.receipt(peer, { epoch, delivered, read })) rose(state, risen, out)
  keepMark(state, peer, out)
}

/** What another own device sent; what this one sent it knows. */
function copy(state: SessionState, frame: Of<'copy'>, out: SessionEffect[]): void {
  const [, , id, to, time, body, epoch, seq, media, , change] = frame
  if (state.outbox.get(id) ?? state.outbox.over(id)) return
  const message = {
    id,
    to,
    body,
    media: attachment(media),
    change: change ?? null,
    time,
    state: 'sent',
    at: { epoch, seq },
    code: null,
  } as const
  const copied = { message, n: state.outbox.number(), again: true }
  state.outbox.add(copied)
  rose(state, copied, out)
}

function sent(state: SessionState, [, id, epoch, seq, time]: Of<'sent'>, out: SessionEffect[]): void {
  const known = state.outbox.get(id)
  if (known?.message.state !== 'queued') return
  state.outbox.sent(known, { epoch, seq }, time)
  rose(state, known, out)
}

function error(state: SessionState, frame: Of<'error'>, now: Millis, out: SessionEffect[]): void {
  const [, code, kind, ref, retryAfter] = frame
  const again = now + Math.max(retryAfter, leastRetryMs)
  const refused = kind === 'send' && ref !== null ? state.outbox.get(ref) : undefined
  if (refused?.message.state === 'queued') {
    if (mayRetry(code)) return state.outbox.lines.hold(refused, again)
    state.outbox.refused(refused, code)
    return rose(state, refused, out)
  }
  if (answered(state, kind, ref, code, again, out)) return
  if (kind !== 'read' && kind !== 'watch') return
  if (mayRetry(code)) {
    state.repeatAt = Math.max(state.repeatAt, again)
    return
  }
  if (kind === 'read' && ref !== null && state.reads.delete(ref))
    out.push({ do: 'keep', key: `read:${ref}`, value: undefined })
  out.push({ do: 'tell', name: 'refused', event: { kind, ref, code } })
}

/** Came since this device asked, or since it or another one changed them. */
function settings(state: SessionState, frame: Of<'settings'>, out: SessionEffect[]): void {
  const [, lastSeen, writers, receipts, blocked, contacts] = frame
  const lines = (text: string) => text.split('\n').filter(Boolean) as UserId[]
  const event = { lastSeen, writers, receipts, blocked: lines(blocked), contacts: lines(contacts) }
  state.settings = event
  out.push({ do: 'tell', name: 'settings', event })
}

function done(state: SessionState, [, kind, ref, seq]: Of<'done'>, now: Millis, out: SessionEffect[]): void {
  if (kind === 'ask' && ref === 'devices') [state.devices, state.listing] = [state.listing, []]
  if (answered(state, kind, ref, null, now, out)) return
  if (kind !== 'read' || (state.reads.get(ref) ?? Number.POSITIVE_INFINITY) > seq) return
  state.reads.delete(ref)
  out.push({ do: 'keep', key: `read:${ref}`, value: undefined })
}
