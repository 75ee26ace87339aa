/**
 * A user's chats, as their log says: what stands last in each, and how much of it is not read; and those that have left the log, as their
 * histories say. Nobody keeps that. It is made when a device asks, page by page of the log, and forgotten when it is answered. What stands
 * or is read meanwhile counts, too: the answer is true in the turn in which it is given, so a device has been told before of all that is in
 * it, and will be told of what is not.
 */
import { type Carrier, type Entry, chatOf as entryChat } from '../../src/protocol/entry.ts'
import { type ChatId, isGroup, type Seq, type UserId } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import { isQuiet, valueIn } from '../../src/protocol/sealed.ts'
import { lifetimeOf } from '../lifetime.ts'
import { readerOf } from '../log/state.ts'
import type { SessionRef } from '../session/ref.ts'
import { after } from './later.ts'
import type { KnownChat, KnownChats, ListedChat, Listing } from './listing.ts'
import type { UserMessage } from './messages.ts'
import type { UserState } from './state.ts'
import { workOf } from './state.ts'
import type { UserTurn } from './turn.ts'

/** A page: of small messages some 60 KB, which are read and gone through in half a millisecond. */
const page = { limit: 256, bytes: 256 * 1024 }
/** How often it begins anew since something was deleted meanwhile; after that `busy`. */
const mostTries = 4

/** A device asks. One reading of the log answers all who have asked by then, and begins some time after the last. */
export function askChats(state: UserState, session: SessionRef, turn: UserTurn): void {
  if (!readerOf(state.log, session)) return
  const work = workOf(state)
  work.askers.add(session)
  if (!work.listing && !work.timers.has('chats')) begin(state, 1, turn)
}

/** The next reading may begin. */
export function listNext(state: UserState, turn: UserTurn): void {
  if (workOf(state).askers.size > 0) begin(state, 1, turn)
}

function begin(state: UserState, tries: number, turn: UserTurn): void {
  const { head, tail } = state.log
  const listing = { chats: new Map(), next: head, upTo: tail, tries, stale: false }
  for (const [chat, seq] of readsOf(state)) markRead(listing.chats, chat, seq)
  workOf(state).listing = listing
  readOn(listing, true, turn)
}

/** How far chats are read, of what the store may not have. */
export function* readsOf({ alone, log, work }: UserState): Generator<readonly [ChatId, Seq]> {
  yield* alone ?? []
  yield* work?.saving ?? []
  for (const [chat, { upTo }] of work?.reads?.chats ?? []) yield [chat, upTo]
  for (const { entry } of log.work?.pending ?? []) if (entry.is === 'seen') yield [entry.chat, entry.upTo]
}

function readOn({ next: from, upTo }: Listing, reads: boolean, turn: UserTurn): void {
  const limit = Math.min(page.limit, Math.max(0, upTo - from + 1))
  turn.effects.push({ do: 'list', from, limit, bytes: page.bytes, reads })
}

/** A page of the log, and with the first what was saved as read. */
export function listed(
  state: UserState,
  { from, entries, reads }: Extract<UserMessage, { is: 'listed' }>,
  turn: UserTurn,
): void {
  const { listing } = workOf(state)
  if (!listing || listing.next !== from || !holds(state, listing, entries !== null, turn)) return
  for (const [chat, seq] of reads ?? []) markRead(listing.chats, chat, seq)
  for (const entry of entries ?? []) if (entry.seq <= listing.upTo) fold(listing.chats, state.user, entry)
  listing.next = (entries?.at(-1)?.seq ?? listing.upTo) + 1
  if (listing.next <= listing.upTo) readOn(listing, false, turn)
  else turn.effects.push({ do: 'recollect', known: listing.chats, upTo: listing.upTo })
}

/** Whether what the store has answered counts; else it begins anew, or is over. */
function holds(state: UserState, { stale, tries }: Listing, isAnswered: boolean, turn: UserTurn): boolean {
  if (!isAnswered || (stale && tries === mostTries)) refuse(state, turn)
  else if (stale) begin(state, tries + 1, turn)
  return isAnswered && !stale
}

/** Chats that are in no entry of the log. All that has left it counts as read. */
export function recollected(
  state: UserState,
  { known, past }: Extract<UserMessage, { is: 'recollected' }>,
  turn: UserTurn,
): void {
  const { listing } = workOf(state)
  if (listing?.chats !== known || !holds(state, listing, past !== null, turn)) return
  for (const { chat, seq, time, lifetime } of past ?? []) {
    const is = chatIn(listing.chats, chat)
    if (seq > is.seq) Object.assign(is, { seq, time, lifetime })
  }
  answer(state, listing, turn)
}

/** Takes an entry in, in any order. */
function fold(chats: KnownChats, user: UserId, entry: Entry): void {
  if (entry.is === 'seen') markRead(chats, entry.chat, entry.upTo)
  if (!('body' in entry) || isQuiet(entry.body)) return
  const chat = chatIn(chats, entryChat(entry))
  if (entry.seq > chat.seq) Object.assign(chat, newestIs(entry))
  if (counts(entry, user)) chat.messages.push(entry.seq)
}

/** What another has written counts as unread; what changes a chat does not. */
const counts = (entry: Entry, user: UserId): boolean =>
  entry.is === 'message' && entry.from !== user && !entry.change && !entry.place?.change

/** What the newest entry of a chat says of it. */
export const newestIs = (entry: Carrier): Pick<KnownChat, 'seq' | 'time' | 'lifetime'> => ({
  seq: entry.seq,
  time: entry.time,
  lifetime: lifetimeAfter(entry),
})

/** That of a group is as its latest entry says. */
const lifetimeAfter = (entry: Carrier): Lifetime => {
  const change = entry.is === 'message' ? (entry.place?.change ?? entry.change) : entry.change
  return change === 'lifetime' ? (valueIn(entry.body) as Lifetime) : (entry.lifetime ?? 'default')
}

function markRead(chats: KnownChats, chat: ChatId, upTo: Seq): void {
  const known = chatIn(chats, chat)
  known.read = Math.max(known.read, upTo)
}

function chatIn(chats: KnownChats, id: ChatId): KnownChat {
  const chat = chats.get(id) ?? { seq: 0, time: 0, lifetime: 'default', read: 0, messages: [] }
  chats.set(id, chat)
  return chat
}

/** How many messages of a chat are not read. */
const unreadIn = ({ messages, read }: KnownChat): number => {
  let unread = 0
  for (const seq of messages) if (seq > read) unread += 1
  return unread
}

/** An entry has become durable while the log is read. */
export function listStanding({ work, user }: UserState, entry: Entry): void {
  if (work?.listing) fold(work.listing.chats, user, entry)
}

/** A device reads a chat while the log is read. */
export function listRead({ work }: UserState, chat: ChatId, upTo: Seq): void {
  if (work?.listing) markRead(work.listing.chats, chat, upTo)
}

/** What was read of the log may be gone. */
export function listAnew({ work }: UserState): void {
  if (work?.listing) work.listing.stale = true
}

/** The newest first, and no more than may be told. */
function answer(state: UserState, { chats }: Listing, turn: UserTurn): void {
  const { settings } = state
  const newest = [...chats].filter(([, { seq }]) => seq > 0).sort(([, a], [, b]) => b.seq - a.seq)
  const noted = new Map(settings.tags?.map(({ chat, tags }) => [chat, tags]))
  const told = newest.slice(0, turn.limits.chats).map(([chat, known]): ListedChat => {
    const { seq, time, read } = known
    const lifetime = isGroup(chat) ? known.lifetime : (lifetimeOf(settings, chat, turn.limits.lifetime) ?? 'default')
    return { chat, seq, time, unread: unreadIn(known), read, lifetime, tags: noted.get(chat) ?? '' }
  })
  for (const session of over(state, turn)) {
    turn.effects.push({ do: 'chats', session, chats: told })
    turn.effects.push({ do: 'confirm', session, kind: 'ask', ref: 'chats', seq: told.length })
  }
}

function refuse(state: UserState, turn: UserTurn): void {
  for (const session of over(state, turn))
    turn.effects.push({ do: 'refuse', session, kind: 'ask', ref: 'chats', code: 'busy' })
}

/** Who has asked is answered now, and the next reading begins later. */
function over(state: UserState, turn: UserTurn): SessionRef[] {
  const work = workOf(state)
  const askers = [...work.askers]
  work.askers.clear()
  work.listing = null
  after(state, 'chats', turn.limits.chatsMs, turn)
  return askers
}
