/** What is known of a chat. Pure: the log keeps it, the program shows it. */
import type { Lifetime } from '../../protocol/lifetime.ts'
import type { ChatInfo, Tags } from '../types.ts'
import { covers, isGroup, type Line, placeIn, startTimer, step } from './line.ts'

/** A chat as a list shows it. */
export type Chat = {
  readonly id: string
  /** Of a group, where it is known. */
  readonly name: string | null
  readonly last: Line | null
  /** Lines of it that are kept, and the order of the last that was not any more. */
  readonly size: number
  readonly floor: number
  /** The order of the newest line it ever had: its place among the chats. null: it is just being begun. */
  readonly moved: number | null
  /** The furthest place in this user's inbox that a line of it has. */
  readonly top: Line['at']
  readonly lifetime: Lifetime
  /** `isMuted`, `isPinned` and `isArchived` say what they mean. */
  readonly tags: Tags
  /** Of the tags, what was chosen here and the server has not answered yet; null takes one off. */
  readonly chosen: Choice
  readonly unread: number
  /** The newest message of the other one: what is read when the chat is. */
  readonly newest: Line['at']
  /** How far this person has read it, on any of their devices. */
  readonly seen: Line['at']
  /** The newest own message that is read, by its place with the other. */
  readonly theirs: Line['at']
  /** What is written and not sent. */
  readonly draft: string
  /** What the server has of it, while not all of that has come here: its newest message, and what is unread. */
  readonly told: Pick<ChatInfo, 'epoch' | 'seq' | 'time' | 'unread'> | null
}

export type Choice = { readonly [Word in keyof Tags]: Tags[Word] | null }

export const newChat = (id: string): Chat => ({
  id,
  name: null,
  last: null,
  size: 0,
  floor: 0,
  moved: null,
  top: null,
  lifetime: 'default',
  tags: {},
  chosen: {},
  unread: 0,
  newest: null,
  seen: null,
  theirs: null,
  draft: '',
  told: null,
})

/** What a chat is called. */
export const titleOf = ({ id, name }: Pick<Chat, 'id' | 'name'>): string => name ?? (isGroup(id) ? 'Group' : id)

const rank = { queued: 0, sent: 1, delivered: 2, read: 3, refused: 4 } as const

/** Takes a line into its chat. One that is known already keeps its place and its time to go, and its state only rises. */
export function merge(
  chat: Chat,
  known: Line | undefined,
  line: Line,
  now: number,
): { readonly chat: Chat; readonly line: Line } {
  const theirs = line.mine && line.state === 'read' ? further(chat.theirs, line.at) : chat.theirs
  const top = further(chat.top, line.here)
  const told = isToCome(chat.told, top) ? chat.told : null
  if (known && !(known.note && !line.note)) {
    const risen = rank[line.state] > rank[known.state] ? line : known
    const { order, waits } = known
    const place = { order, waits, here: line.here ?? known.here, expires: known.expires ?? line.expires }
    const newer = { ...risen, ...place, ...(known.note && { note: line.note }) } as Line
    return { line: newer, chat: { ...chat, theirs, top, told, last: chat.last?.id === newer.id ? newer : chat.last } }
  }
  // What could not be read takes the place that was kept for it.
  if (known) return healed({ ...chat, theirs, top, told }, known, line, now)
  // What other own devices sent comes at once, and so before messages that stand before it in the inbox.
  const late = covers(chat.top, line.here)
  const place = placeIn(line.time, line.here)
  const order = late ? place : Math.max(place, (chat.moved ?? 0) + step)
  const placed = { ...(covers(chat.seen, line.here) ? startTimer(line, now) : line), order }
  const last = late && chat.last && chat.last.order > order ? chat.last : placed
  const moved = Math.max(order, chat.moved ?? 0)
  const longer = { ...chat, theirs, top, told, last, moved, size: chat.size + 1 }
  if (line.change) return { line: placed, chat: { ...longer, ...changed(chat, line) } }
  if (line.mine || line.note) return { line: placed, chat: longer }
  const unread = chat.unread + (covers(chat.seen, line.here) ? 0 : 1)
  return { line: placed, chat: { ...longer, unread, newest: further(chat.newest, line.at) } }
}

function healed(
  chat: Chat,
  { order, id }: Line,
  line: Line,
  now: number,
): { readonly chat: Chat; readonly line: Line } {
  const isSeen = covers(chat.seen, line.here)
  const placed = { ...(isSeen ? startTimer(line, now) : line), order }
  const last = chat.last?.id === id ? placed : chat.last
  if (line.mine) return { line: placed, chat: { ...chat, last } }
  const unread = chat.unread + (isSeen ? 0 : 1)
  return { line: placed, chat: { ...chat, last, unread, newest: further(chat.newest, line.at) } }
}

/** What a group is like after a change; how long messages of other chats stay the settings say. */
function changed({ id, name, lifetime }: Chat, { change, text }: Line): Pick<Chat, 'name' | 'lifetime'> {
  const named = change === 'create' || change === 'rename' || change === 'invite'
  return {
    name: named ? text : name,
    lifetime: change === 'lifetime' && isGroup(id) ? (text as Lifetime) : lifetime,
  }
}

/** A chat without a line of it. What is the last then, the log knows. */
export function without(chat: Chat, line: Line): Chat {
  const counted = line.counts !== null && unreadOver(chat).some((over) => isOver(over, line))
  return { ...chat, size: chat.size - 1, unread: Math.max(0, chat.unread - (counted ? 1 : 0)) }
}

/**
 * Which lines of a chat a deletion meant: those at these places of this user's inbox; `from` 1 means all until then. Own lines
 * that have no place there go with those that were before them. `lines`: all of the chat, in order.
 */
export function deleted(lines: readonly Line[], epoch: number, from: number, upTo: number): Line[] {
  const meant = ({ here }: Line) => here !== null && here.epoch === epoch && here.seq >= from && here.seq <= upTo
  if (from > 1) return lines.filter(meant)
  const last = lines.findLastIndex(meant)
  return lines
    .slice(0, last + 1)
    .filter(({ here, state }) => state !== 'queued' && (here?.epoch !== epoch || here.seq <= upTo))
}

/**
 * A chat that was read up to there; what is unread then, the log counts. Of another log than its newest message it says that the
 * log was reset: what came before that is read.
 */
export function seenUpTo(chat: Chat, seen: NonNullable<Line['at']>): Chat {
  const newest = seen.epoch === chat.newest?.epoch ? chat.newest : null
  return { ...chat, newest, seen: further(chat.seen, seen), told: null }
}

/** Beyond which places the messages of a chat are unread; null: all are. */
export const unreadOver = ({ seen, newest }: Chat): readonly Line['at'][] =>
  seen !== null && newest !== null && newest.epoch !== seen.epoch ? [seen, { epoch: newest.epoch, seq: 0 }] : [seen]

const isOver = (place: Line['at'], { here }: Line): boolean =>
  place === null || (here !== null && here.epoch === place.epoch && here.seq > place.seq)

const further = (a: Line['at'], b: Line['at']): Line['at'] => (b === null || covers(a, b) ? a : b)

/** Whether the newest that the server told of is still to come, where this has. */
const isToCome = (told: Chat['told'], top: Line['at']): boolean =>
  told !== null && (top === null || (top.epoch === told.epoch && top.seq < told.seq))

/** A chat that the server tells of, unless more of it was read meanwhile. */
export function toldOf(chat: Chat, { epoch, seq, time, unread, read }: ChatInfo): Chat {
  const told = { epoch, seq, time, unread }
  return isToCome(told, chat.top) && covers({ epoch, seq: read }, chat.seen) ? { ...chat, told } : chat
}

export const untold = (chat: Chat): Chat => ({ ...chat, told: null })

/** As a list shows it: what is unread and not here yet counts, too. */
export const shown = (chat: Chat): Chat =>
  chat.told && chat.told.unread > chat.unread ? { ...chat, unread: chat.told.unread } : chat

/** When its newest message came; 0: it has none. */
export const newestTime = ({ last, told }: Pick<Chat, 'last'> & Partial<Chat>): number =>
  Math.max(last?.time ?? 0, told?.time ?? 0)

/** Those that are pinned, the latest first; then the others with the newest first. Of one that was only read nothing came here. */
export const sorted = (chats: Iterable<Chat>): Chat[] =>
  [...chats]
    .filter(({ moved, draft, told }) => moved !== null || draft || told)
    .sort((a, b) => (b.tags.pinned || 0) - (a.tags.pinned || 0) || placeOf(b) - placeOf(a))

const placeOf = ({ moved, told }: Chat): number =>
  told ? Math.max(moved ?? 0, told.time) : (moved ?? Number.MAX_VALUE)
