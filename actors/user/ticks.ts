/**
 * Ticks of what others wrote: what the first device has acknowledged is delivered, and its senders' actors are told until they
 * confirm that the receipt is durable there; only then does the settled mark pass.
 */
import type { Entry } from '../../src/protocol/entry.ts'
import type { Seq, UserId } from '../../src/protocol/ids.ts'
import { isGroup } from '../../src/protocol/ids.ts'
import { highestAcked, readerOf } from '../log/state.ts'
import type { SessionRef } from '../session/ref.ts'
import type { UserEffect } from './effects.ts'
import { after, retellMs } from './later.ts'
import type { UserMessage } from './messages.ts'
import type { Noted, OutstandingReceipts, Sender, Span } from './pending.ts'
import { readDone, see } from './reads.ts'
import type { UserState } from './state.ts'
import { workOf } from './state.ts'
import type { UserTurn } from './turn.ts'

/** Peers with unconfirmed receipts; the rest is told when some have confirmed. */
const outstandingPeers = 1_024
/**
 * Messages already delivered whose senders are remembered, since a read follows soon: so many at least. When there are twice as many the
 * older half leaves, since what leaves one by one moves all others each time.
 */
const recentSenders = 32
/** Senders remembered at all; of the entries before them they are read from the inbox when they are needed. */
const rememberedSenders = 4_096

/**
 * Remembers who sent entries that go to a device for the first time, so that their ack needs no look into the store. One that
 * comes from there (`again`) may have been read before.
 */
export function notePushed(state: UserState, entries: readonly Entry[], again: boolean): void {
  const work = workOf(state)
  for (const entry of entries) {
    if (entry.seq <= work.sendersTo) continue
    if (entry.seq !== work.sendersTo + 1 || work.senders.length >= rememberedSenders) {
      work.senders = []
      work.sendersFrom = entry.seq
    }
    work.sendersTo = entry.seq
    const sender = senderOf(entry)
    if (!sender) continue
    const { chat, at } = sender
    work.senders.push({ seq: entry.seq, chat, at, read: again ? 'maybe' : 'no' })
  }
}

/** Whom ticks of an entry are told to, and under which seq. */
export function senderOf(entry: Entry): Sender | undefined {
  if (entry.is !== 'message') return undefined
  const { seq, from, place } = entry
  return place ? { seq, chat: place.group, at: place.at } : { seq, chat: from, at: seq }
}

/** Tells the senders of all that has become delivered, from memory where it reaches, else from the inbox. */
export function tellDelivered(state: UserState, turn: UserTurn): void {
  const work = workOf(state)
  const upTo = highestAcked(state.log)
  if (work.told >= upTo || work.scanning || work.outstanding.size >= outstandingPeers) return
  if (work.sendersFrom <= work.told + 1 && work.sendersTo >= upTo) {
    const done = countUpTo(work.senders, upTo)
    const news = work.senders.slice(countUpTo(work.senders, work.told), done)
    if (done > 2 * recentSenders) {
      work.sendersFrom = (work.senders[done - recentSenders - 1]?.seq ?? 0) + 1
      work.senders.splice(0, done - recentSenders)
    }
    return tell(state, news, upTo, false, turn)
  }
  work.scanning = true
  turn.effects.push({ do: 'scan', what: 'senders', from: work.told + 1, limit: 256, bytes: 256 * 1024 })
}

/** How many of them, which are in seq order, have a seq up to that. It is near the end: an ack looks at few, and not at all that are remembered. */
function countUpTo(senders: readonly Sender[], upTo: Seq): number {
  let count = senders.length
  while (count > 0 && (senders[count - 1] as Sender).seq > upTo) count -= 1
  return count
}

/** A page read to find senders. */
export function scanned(state: UserState, from: Seq, entries: readonly Entry[] | null, turn: UserTurn): void {
  const work = workOf(state)
  if (!work.scanning || from !== work.told + 1) return
  work.scanning = false
  if (!entries) return after(state, 'retell', retellMs, turn)
  const upTo = highestAcked(state.log)
  const senders = entries.flatMap((entry) => (entry.seq <= upTo ? (senderOf(entry) ?? []) : []))
  const end = Math.min(entries.at(-1)?.seq ?? upTo, upTo)
  if (work.sendersTo < end) Object.assign(work, { senders: [], sendersFrom: end + 1, sendersTo: end })
  tell(state, senders, end, true, turn)
  tellDelivered(state, turn)
}

/** `again`: it may have been told before. */
function tell(state: UserState, senders: readonly Sender[], upTo: Seq, again: boolean, turn: UserTurn): void {
  workOf(state).told = upTo
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
    turn.effects.push(receipt(state, chat, told, again))
  }
  if (senders.length > 0) turn.effects.push({ do: 'ticked', delivered: senders.length, read: 0 })
  settle(state, turn)
}

/** The messages of a chat from the entry `first` to its seq `at` are delivered, before that is their turn: it is to be told. */
export function deliver(state: UserState, chat: UserId, { first, at }: Span, turn: UserTurn): void {
  if (isToldNothing(state, chat)) return
  const told = outstanding(state, chat, first)
  told.delivered = Math.max(told.delivered, at)
  settle(state, turn)
}

/**
 * Tells a chat what it has not confirmed of entries up to `upTo`, for somebody who waits for that. Answers up to which of its seqs; 0: it
 * has confirmed it.
 */
export function tellAwaited(state: UserState, chat: UserId, upTo: Seq, turn: UserTurn): Seq {
  const told = workOf(state).outstanding.get(chat)
  if (!told || told.first > upTo || told.delivered === 0) return 0
  turn.effects.push(receipt(state, chat, told, true, true))
  return told.delivered
}

/** A device leaves, and soon the settled mark is saved: what peers confirm until then need not be looked up when it is back. */
export function tellLeaving(state: UserState, turn: UserTurn): void {
  for (const [peer, told] of state.work?.outstanding ?? [])
    if (!isGroup(peer)) turn.effects.push(receipt(state, peer, told, true, true))
}

function outstanding(state: UserState, peer: UserId, first: Seq): OutstandingReceipts {
  const work = workOf(state)
  const told = work.outstanding.get(peer) ?? { first, delivered: 0, read: 0, readers: [] }
  told.first = Math.min(told.first, first)
  work.outstanding.set(peer, told)
  return told
}

function receipt(
  state: UserState,
  peer: UserId,
  told: OutstandingReceipts,
  again: boolean,
  awaited = isAwaited(state),
): UserEffect {
  const { user, log, settings } = state
  const { delivered, read } = told
  const message = { is: 'receipt', from: user, epoch: log.epoch, delivered, read, again, awaited } as const
  const hides = isGroup(peer) && settings.blocked.length > 0
  return { do: 'tell', user: peer, message: hides ? { ...message, hides: settings.blocked } : message }
}

/** Whether timers wait for what is confirmed, or soon peers that are told nothing until others have confirmed. */
const isAwaited = ({ log, work }: UserState): boolean =>
  log.waiting !== null || (work?.outstanding.size ?? 0) * 2 > outstandingPeers

/** Who is blocked is told nothing, neither now nor later: that something is delivered says that somebody is here. */
const isToldNothing = ({ settings }: UserState, chat: UserId): boolean => settings.blocked.includes(chat)

/** The settled mark: everything up to here is confirmed by its sender's actor. */
function settle(state: UserState, turn: UserTurn): void {
  const { told, outstanding } = workOf(state)
  let upTo = told
  for (const { delivered, first } of outstanding.values()) if (delivered > 0) upTo = Math.min(upTo, first - 1)
  if (upTo > state.log.settled) turn.said.push({ says: 'settle', upTo })
  if (outstanding.size > 0) after(state, 'retell', retellMs, turn)
}

/** A peer's actor has made our receipts durable. */
export function receipted(
  state: UserState,
  { peer, delivered, read }: Extract<UserMessage, { is: 'receipted' }>,
  turn: UserTurn,
): void {
  const { outstanding } = workOf(state)
  const told = outstanding.get(peer)
  if (!told) return
  for (const { session, seq, at } of told.readers) if (at <= read) readDone(state, session, peer, seq, turn)
  told.readers = told.readers.filter(({ at }) => at > read)
  // A group's seqs say nothing of this inbox.
  if (!isGroup(peer)) told.first = Math.max(told.first, delivered + 1)
  if (told.delivered <= delivered && told.read <= read) outstanding.delete(peer)
  else if (told.delivered <= delivered) told.delivered = 0
  settle(state, turn)
  tellDelivered(state, turn)
}

/** Tells again what was not confirmed, and goes on with a look into the store that failed. */
export function retell(state: UserState, turn: UserTurn): void {
  const { outstanding, recallsReads } = workOf(state)
  for (const [peer, told] of outstanding) turn.effects.push(receipt(state, peer, told, true))
  if (recallsReads) turn.effects.push({ do: 'reads' })
  tellDelivered(state, turn)
  settle(state, turn)
}

/** A device has read a chat up to `seq`. */
export function read(
  state: UserState,
  { session, chat, seq }: Extract<UserMessage, { is: 'read' }>,
  turn: UserTurn,
): void {
  if (!readerOf(state.log, session)) return
  if (seq > state.log.tail)
    return void turn.effects.push({ do: 'refuse', session, kind: 'read', ref: chat, code: 'ack_above_tail' })
  const work = workOf(state)
  if (seq < work.sendersFrom || seq > work.sendersTo) {
    work.checks += 1
    return void turn.effects.push({ do: 'check', session, chat, seq })
  }
  const sender = work.senders.find((sender) => sender.seq === seq && sender.chat === chat)
  if (sender?.read === 'yes') return readAgain(state, session, sender, turn)
  const again = sender?.read !== 'no'
  // What is refused reads nothing.
  if (sender) readNow(sender, work.senders, turn)
  tellRead(state, { session, chat, seq, at: sender?.at ?? 0 }, again, turn)
}

/** Read is also what is before it in its chat. */
function readNow({ chat, seq }: Sender, senders: readonly Noted[], turn: UserTurn): void {
  let read = 0
  for (const one of senders) {
    if (one.chat !== chat || one.seq > seq || one.read === 'yes') continue
    one.read = 'yes'
    read += 1
  }
  turn.effects.push({ do: 'ticked', delivered: 0, read })
}

/** It was told already: who reads it now waits for what is not confirmed. */
function readAgain(state: UserState, session: SessionRef, { chat, seq, at }: Sender, turn: UserTurn): void {
  const told = workOf(state).outstanding.get(chat)
  if (told && told.read >= at) told.readers.push({ session, seq, at })
  else readDone(state, session, chat, seq, turn)
}

/** The entry that was read has been looked up. */
export function checked(state: UserState, found: Extract<UserMessage, { is: 'checked' }>, turn: UserTurn): void {
  workOf(state).checks -= 1
  if (found.at) turn.effects.push({ do: 'ticked', delivered: 0, read: 1 })
  tellRead(state, found, true, turn)
}

/** `again`: it may have been read before. */
function tellRead(
  state: UserState,
  { session, chat, seq, at }: Omit<Extract<UserMessage, { is: 'checked' }>, 'is'>,
  again: boolean,
  turn: UserTurn,
): void {
  if (!at) {
    const code = at === null ? 'busy' : 'not_that_chat'
    return void turn.effects.push({ do: 'refuse', session, kind: 'read', ref: chat, code })
  }
  const device = readerOf(state.log, session)
  if (device) see(state, device, chat, seq, again, turn)
  if (!state.settings.receipts || isToldNothing(state, chat)) return readDone(state, session, chat, seq, turn)
  const told = outstanding(state, chat, seq)
  told.read = Math.max(told.read, at)
  told.readers.push({ session, seq, at })
  turn.effects.push(receipt(state, chat, told, again))
  settle(state, turn)
}
