/**
 * Ticks. As recipient: what the first device has acknowledged is delivered, and its senders' actors are told until they
 * confirm that the receipt is durable there; only then does the settled mark pass. As sender: receipts are pushed at once
 * as news, and become entries of this inbox a moment later, one per peer.
 */

import type { Entry } from '../../src/protocol/entry.ts'
import type { Millis, Seq, UserId } from '../../src/protocol/ids.ts'
import { isGroup } from '../../src/protocol/ids.ts'
import { appendReceipt } from './append.ts'
import { saveLater } from './cursors.ts'
import { eraseConfirmed } from './deletion.ts'
import { confirmation, covers, isWriting, merged, recall, remember } from './known.ts'
import { done, see, writeSeen } from './seen.ts'
import { after, attached, coalesceMs, delivered, work } from './state.ts'
import type { Sender, SessionRef, Span, Told, UserEffect, UserLimits, UserMessage, UserState } from './types.ts'

type Receipt = Extract<UserMessage, { is: 'receipt' }>

/** A receipt that is not confirmed within this time is told again: the sender's actor may have forgotten it. */
const retellMs = 15_000
/** Peers with unconfirmed receipts; the rest is told when some have confirmed. */
const outstandingPeers = 1_024
/** Messages already delivered whose senders are remembered, since a read follows soon. */
const recentSenders = 64
/** Senders remembered at all; of the entries before them they are read from the inbox when they are needed. */
const rememberedSenders = 4_096

/**
 * Remembers who sent an entry that goes to a device for the first time, so that its ack needs no look into the store. One that
 * comes from there (`again`) may have been read before.
 */
export function notePushed(state: UserState, entry: Entry, again: boolean): void {
  const it = work(state)
  if (entry.seq <= it.sendersTo) return
  if (entry.seq !== it.sendersTo + 1 || it.senders.length >= rememberedSenders) {
    it.senders = []
    it.sendersFrom = entry.seq
  }
  it.sendersTo = entry.seq
  const sender = senderOf(entry)
  if (!sender) return
  const { chat, at } = sender
  it.senders.push({ seq: entry.seq, chat, at, read: again ? 'maybe' : 'no' })
}

/** Whom ticks of an entry are told to, and under which seq. */
export function senderOf(entry: Entry): Sender | undefined {
  if (entry.is !== 'message') return undefined
  const { seq, from, place } = entry
  return place ? { seq, chat: place.group, at: place.at } : { seq, chat: from, at: seq }
}

/** Tells the senders of all that has become delivered, from memory where it reaches, else from the inbox. */
export function tellDelivered(state: UserState, out: UserEffect[]): void {
  const it = work(state)
  // In a group's log nobody is told: there it saves a look at each of its members for each ack.
  if (it.told >= state.tail) return
  const upTo = delivered(state)
  if (it.told >= upTo || it.scanning || it.outstanding.size >= outstandingPeers) return
  if (it.sendersFrom <= it.told + 1 && it.sendersTo >= upTo) {
    const senders = it.senders.filter(({ seq }) => seq > it.told && seq <= upTo)
    const kept = it.senders.findIndex(({ seq }) => seq > upTo)
    const done = kept === -1 ? it.senders.length : kept
    if (done > recentSenders) {
      it.sendersFrom = (it.senders[done - recentSenders - 1]?.seq ?? 0) + 1
      it.senders.splice(0, done - recentSenders)
    }
    return tell(state, senders, upTo, false, out)
  }
  it.scanning = true
  out.push({ do: 'fetch', session: 0, from: it.told + 1, limit: 256, bytes: 256 * 1024 })
}

/** A page read to find senders. */
export function scanned(state: UserState, from: Seq, entries: readonly Entry[] | null, out: UserEffect[]): void {
  const it = work(state)
  if (!it.scanning || from !== it.told + 1) return
  it.scanning = false
  if (!entries) return after(state, 'retell', retellMs, out)
  const upTo = delivered(state)
  const senders = entries.flatMap((entry) => (entry.seq <= upTo ? (senderOf(entry) ?? []) : []))
  const end = Math.min(entries.at(-1)?.seq ?? upTo, upTo)
  if (it.sendersTo < end) Object.assign(it, { senders: [], sendersFrom: end + 1, sendersTo: end })
  tell(state, senders, end, true, out)
  tellDelivered(state, out)
}

/** `again`: it may have been told before. */
function tell(state: UserState, senders: readonly Sender[], upTo: Seq, again: boolean, out: UserEffect[]): void {
  work(state).told = upTo
  const chats = new Map<UserId, { first: Seq; last: Seq }>()
  for (const { seq, chat, at } of senders) {
    if (isToldNothing(state, chat)) continue
    const known = chats.get(chat)
    if (known) known.last = at
    else chats.set(chat, { first: seq, last: at })
  }
  for (const [chat, { first, last }] of chats) {
    const told = outstanding(state, chat, first)
    // More was told already of what was deleted before it was acknowledged.
    told.delivered = Math.max(told.delivered, last)
    out.push(receipt(state, chat, told, again))
  }
  settle(state, out)
}

/** Tells a chat that its messages from the entry `first` to its seq `at` are delivered, before that is their turn. */
export function tellOf(state: UserState, chat: UserId, { first, at }: Span, out: UserEffect[]): void {
  if (isToldNothing(state, chat)) return
  const told = outstanding(state, chat, first)
  told.delivered = Math.max(told.delivered, at)
  out.push(receipt(state, chat, told, true))
  settle(state, out)
}

/** Up to which of its seqs a chat was told of entries up to `upTo` and has not confirmed it; 0: it has. */
export function toldOf(state: UserState, chat: UserId, upTo: Seq): Seq {
  const told = work(state).outstanding.get(chat)
  return told && told.first <= upTo ? told.delivered : 0
}

function outstanding(state: UserState, peer: UserId, first: Seq): Told {
  const it = work(state)
  const told = it.outstanding.get(peer) ?? { first, delivered: 0, read: 0, readers: [] }
  told.first = Math.min(told.first, first)
  it.outstanding.set(peer, told)
  return told
}

function receipt(state: UserState, peer: UserId, { delivered, read }: Told, again: boolean): UserEffect {
  const { user, epoch, settings } = state
  const message = { is: 'receipt', from: user, epoch, delivered, read, again } as const
  const hides = isGroup(peer) && settings.blocked.length > 0
  return { do: 'tell', user: peer, message: hides ? { ...message, hides: settings.blocked } : message }
}

/** Who is blocked is told nothing, neither now nor later: that something is delivered says that somebody is here. */
const isToldNothing = ({ settings }: UserState, chat: UserId): boolean => settings.blocked.includes(chat)

/** The settled mark: everything up to here is confirmed by its sender's actor. */
function settle(state: UserState, out: UserEffect[]): void {
  const it = work(state)
  let settled = it.told
  for (const told of it.outstanding.values()) if (told.delivered > 0) settled = Math.min(settled, told.first - 1)
  if (settled > state.settled) {
    state.settled = settled
    saveLater(state, 0, out)
  }
  if (it.outstanding.size > 0) after(state, 'retell', retellMs, out)
}

/** A peer's actor has made our receipts durable. */
export function receipted(
  state: UserState,
  { peer, delivered, read }: Extract<UserMessage, { is: 'receipted' }>,
  out: UserEffect[],
): void {
  const it = work(state)
  const told = it.outstanding.get(peer)
  if (!told) return
  for (const { session, seq, at } of told.readers) if (at <= read) done(state, session, peer, seq, out)
  told.readers = told.readers.filter(({ at }) => at > read)
  // A group's seqs say nothing of this inbox.
  if (!isGroup(peer)) told.first = Math.max(told.first, delivered + 1)
  if (told.delivered <= delivered && told.read <= read) it.outstanding.delete(peer)
  else if (told.delivered <= delivered) told.delivered = 0
  eraseConfirmed(state, peer, delivered, out)
  settle(state, out)
  tellDelivered(state, out)
}

/** Tells again what was not confirmed, and goes on with a scan that failed. */
export function retell(state: UserState, out: UserEffect[]): void {
  for (const [peer, told] of work(state).outstanding) out.push(receipt(state, peer, told, true))
  tellDelivered(state, out)
  settle(state, out)
}

/** A device has read a chat up to `seq`. */
export function read(
  state: UserState,
  session: SessionRef,
  chat: UserId,
  seq: Seq,
  limits: UserLimits,
  now: Millis,
  out: UserEffect[],
): void {
  const device = attached(state, session)
  if (!device) return
  if (seq > state.tail) return void out.push({ do: 'refuse', session, kind: 'read', ref: chat, code: 'ack_above_tail' })
  const it = work(state)
  if (seq < it.sendersFrom || seq > it.sendersTo) {
    it.checks += 1
    return void out.push({ do: 'check', session, chat, seq })
  }
  const sender = it.senders.find((sender) => sender.seq === seq && sender.chat === chat)
  if (sender?.read === 'yes') return readAgain(state, session, sender, out)
  for (const one of it.senders) if (one.chat === chat && one.seq <= seq) one.read = 'yes'
  checked(state, session, chat, seq, sender?.at ?? 0, sender?.read !== 'no', limits, now, out)
}

/** It was told already: who reads it now waits for what is not confirmed. */
function readAgain(state: UserState, session: SessionRef, { chat, seq, at }: Sender, out: UserEffect[]): void {
  const told = work(state).outstanding.get(chat)
  if (told && told.read >= at) told.readers.push({ session, seq, at })
  else done(state, session, chat, seq, out)
}

/** `again`: it may have been read before. */
export function checked(
  state: UserState,
  session: SessionRef,
  chat: UserId,
  seq: Seq,
  at: Seq | null,
  again: boolean,
  limits: UserLimits,
  now: Millis,
  out: UserEffect[],
): void {
  if (!at) {
    const code = at === null ? 'busy' : 'not_that_chat'
    return void out.push({ do: 'refuse', session, kind: 'read', ref: chat, code })
  }
  const reader = attached(state, session)
  if (reader) see(state, reader, chat, seq, again, limits, now, out)
  if (!state.settings.receipts || isToldNothing(state, chat)) return done(state, session, chat, seq, out)
  const told = outstanding(state, chat, seq)
  told.read = Math.max(told.read, at)
  told.readers.push({ session, seq, at })
  out.push(receipt(state, chat, told, again))
  settle(state, out)
}

/** News for this user as a sender: shown at once where a device is attached, an entry a moment later. */
export function heard(state: UserState, receipt: Receipt, out: UserEffect[]): void {
  const { from, epoch, again } = receipt
  const delivered = Math.max(receipt.delivered, receipt.read)
  // Who tells nobody what they have read is told of nobody.
  const said = { epoch, delivered, read: state.settings.receipts ? receipt.read : 0 }
  const { news, receipts } = work(state)
  if (covers(receipts.get(from), said)) return void out.push(confirmation(state, from, said))
  if (again && isWriting(state, from, said)) return
  const known = news.get(from)
  const now = { ...merged(known, said), again: again && (known?.again ?? true) }
  news.set(from, now)
  if (covers(known, said)) return
  for (const { session, phase } of state.devices) {
    if (phase === 'live' || phase === 'replaying') out.push({ do: 'news', session, peer: from, ...now })
  }
  out.push({ do: 'receipted', peer: from, ...now })
  after(state, 'receipts', coalesceMs, out)
}

/** What is certainly new becomes entries. */
export function writeNews(state: UserState, now: Millis, out: UserEffect[]): void {
  const { news } = work(state)
  for (const [peer, { again, ...marks }] of news)
    if (!again && news.delete(peer)) appendReceipt(state, { peer, ...marks }, now, out)
  writeSeen(state, now, out)
  recall(state, out)
}

/** A receipt is durable in this inbox. */
export function confirm(state: UserState, entry: Extract<Entry, { is: 'receipt' }>, out: UserEffect[]): void {
  remember(state, entry)
  out.push(confirmation(state, entry.peer, entry))
}
