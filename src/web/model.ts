/** What the page knows of chats. Pure: the log keeps it, the views show it. */
import {
  type Attachment,
  type Change,
  type Incoming,
  type Lifetime,
  type MessageState,
  type Outgoing,
  type Past,
  timerOf,
} from '../client/index.ts'
import { lifetimeWords } from './words.ts'

export type Line = {
  readonly id: string
  readonly chat: string
  /** Who wrote it, or made the change. */
  readonly from: string
  readonly mine: boolean
  readonly text: string
  readonly media: Attachment | null
  /** What it changed of its chat; its text is the new value. */
  readonly change: Change | null
  readonly time: number
  readonly state: MessageState
  /** Why it was refused. */
  readonly code: string | null
  /** Where it stands: of own lines in the recipient's or the group's log, of others in this user's inbox. */
  readonly at: { readonly epoch: number; readonly seq: number } | null
  /** Where it, or the copy of an own line, stands in this user's inbox: by this it is deleted. */
  readonly here: Line['at']
  readonly lifetime: Lifetime
  /** When it vanishes, by this browser's clock. */
  readonly expires: number | null
  /** Its chat, while the line waits to be read before its time runs. */
  readonly waits: string | null
  /** Its place in the chat; given when it is first kept, and never changed. */
  readonly order: number
}

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
  readonly unread: number
  /** The newest message of the other one: what is read when the chat is. */
  readonly newest: Line['at']
  /** How far this person has read it, on any of their devices. */
  readonly seen: Line['at']
  /** The newest own message that is read, by its place with the other. */
  readonly theirs: Line['at']
}

export const newChat = (id: string): Chat => ({
  id,
  name: null,
  last: null,
  size: 0,
  floor: 0,
  moved: null,
  top: null,
  lifetime: 'default',
  unread: 0,
  newest: null,
  seen: null,
  theirs: null,
})

export const fromMe = (message: Outgoing, me: string): Line => {
  const { id, to, body, media, change, time, state, code, at, copy, lifetime, expires } = message
  const place = { at, here: copy, order: 0 }
  // What was agreed on stays to be read, when all that was said is gone.
  const lasts = { lifetime, expires: change ? null : expires, waits: null }
  return {
    id,
    chat: to,
    from: me,
    mine: true,
    text: textOf(body),
    media,
    change,
    time,
    state,
    code,
    ...place,
    ...lasts,
  }
}

/** `now`: when it came here. */
export const toMe = (message: Incoming, now: number): Line => {
  const { id, chat, from, body, media, change, lifetime, time, epoch, seq } = message
  const place = { at: { epoch, seq }, here: { epoch, seq }, order: 0 }
  const timer = change ? undefined : timerOf(lifetime)
  const expires = timer?.start === 'delivered' ? now + timer.ms : null
  const lasts = { lifetime, expires, waits: timer?.start === 'read' ? chat : null }
  return {
    id,
    chat,
    from,
    mine: false,
    text: textOf(body),
    media,
    change,
    time,
    state: 'read',
    code: null,
    ...place,
    ...lasts,
  }
}

/** A line of a history: shown, and not kept. */
export const fromPast = (
  { id, from, body, media, change, time, epoch, seq, at }: Past,
  chat: Chat,
  me: string,
): Line => ({
  id,
  chat: chat.id,
  from,
  mine: from === me,
  text: textOf(body),
  media,
  change,
  time,
  state: from !== me || covers(chat.theirs, at) ? 'read' : 'sent',
  code: null,
  at: at ?? { epoch, seq },
  here: { epoch, seq },
  order: placeIn(time, { epoch, seq }),
  lifetime: 'permanent',
  expires: null,
  waits: null,
})

const textOf = (body: Outgoing['body']): string => (typeof body === 'string' ? body : `[${body.byteLength} bytes]`)

export const isGroup = (chat: string): boolean => chat.startsWith('#')

/** What a chat is called. */
export const titleOf = ({ id, name }: Pick<Chat, 'id' | 'name'>): string => name ?? (isGroup(id) ? 'Group' : id)

/** A line in a few words, for a list. */
export function summary(line: Line, me: string): string {
  const { text, media, chat, from, mine } = line
  if (line.change) return changeWords(line, me)
  const words = (isGroup(chat) && !mine ? `${from}: ` : '') + text.replace(/\s+/g, ' ').slice(0, 200)
  if (!media) return words
  const kinds = { image: 'Photo', video: 'Video', audio: 'Recording' }
  const kind = kinds[media.type.split('/')[0] as keyof typeof kinds] ?? 'File'
  return words ? `${kind}: ${words}` : kind
}

/** A change of a chat as a sentence. */
export function changeWords({ change, from, text }: Line, me: string): string {
  const [who, whom] = [from === me ? 'You' : from, text === me ? 'you' : text]
  switch (change) {
    case 'create':
      return `${who} made the group “${text}”`
    case 'rename':
      return `${who} named the group “${text}”`
    case 'add':
      return `${who} added ${whom}`
    case 'remove':
      return `${who} removed ${whom}`
    case 'leave':
      return `${who} left`
    case 'promote':
      return `${who} made ${whom} an admin`
    case 'demote':
      return `${who} made ${whom} no admin any more`
    case 'history':
      return `${who} let new members see ${text} earlier messages`
    case 'lifetime':
      return `${who} set that ${lifetimeWords(text)}`
    case null:
      return text
  }
}

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
  if (known) {
    const risen = rank[line.state] > rank[known.state] ? line : known
    const { order, waits } = known
    const newer = { ...risen, order, waits, here: line.here ?? known.here, expires: known.expires ?? line.expires }
    return { line: newer, chat: { ...chat, theirs, top, last: chat.last?.id === newer.id ? newer : chat.last } }
  }
  // What other own devices sent comes at once, and so before messages that stand before it in the inbox.
  const late = covers(chat.top, line.here)
  const place = placeIn(line.time, line.here)
  const order = late ? place : Math.max(place, (chat.moved ?? 0) + step)
  const placed = { ...(covers(chat.seen, line.here) ? startTimer(line, now) : line), order }
  const last = late && chat.last && chat.last.order > order ? chat.last : placed
  const moved = Math.max(order, chat.moved ?? 0)
  const longer = { ...chat, theirs, top, last, moved, size: chat.size + 1 }
  if (line.change) return { line: placed, chat: { ...longer, ...changed(chat, line) } }
  if (line.mine) return { line: placed, chat: longer }
  const unread = chat.unread + (covers(chat.seen, line.at) ? 0 : 1)
  return { line: placed, chat: { ...longer, unread, newest: further(chat.newest, line.at) } }
}

/** The least between two places in a chat: a time has 41 of the 53 bits of a number. */
const step = 1 / 1_024

/** Where a line belongs by its time, and of those of one millisecond by its place in the inbox. */
const placeIn = (time: number, here: Line['at']): number => time + ((here?.seq ?? 0) % 1_024) * step

/** What a group is like after a change; how long messages of other chats stay the settings say. */
function changed({ id, name, lifetime }: Chat, { change, text }: Line): Pick<Chat, 'name' | 'lifetime'> {
  const named = change === 'create' || change === 'rename'
  return {
    name: named ? text : name,
    lifetime: change === 'lifetime' && isGroup(id) ? (text as Lifetime) : lifetime,
  }
}

/** A line that waited to be read has been: its time runs. */
export function startTimer(line: Line, now: number): Line {
  const timer = line.waits === null ? undefined : timerOf(line.lifetime)
  return timer ? { ...line, waits: null, expires: now + timer.ms } : line
}

/** A chat without a line of it. What is the last then, the log knows. */
export function without(chat: Chat, line: Line): Chat {
  const counted = !line.mine && !line.change && line.here?.epoch === chat.newest?.epoch && !covers(chat.seen, line.here)
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

/** A chat that was read up to there. What comes later and is older than that is read, too. */
export const seenUpTo = (chat: Chat, seen: Line['at']): Chat => ({
  ...chat,
  seen,
  unread: covers(seen, chat.newest) ? 0 : chat.unread,
})

export const covers = (seen: Line['at'], at: Line['at']): boolean =>
  seen !== null && at !== null && seen.epoch === at.epoch && at.seq <= seen.seq

const further = (a: Line['at'], b: Line['at']): Line['at'] => (b === null || covers(a, b) ? a : b)

/** The chats with the newest first. */
export const sorted = (chats: Iterable<Chat>): Chat[] =>
  [...chats].sort((a, b) => (b.moved ?? Number.MAX_VALUE) - (a.moved ?? Number.MAX_VALUE))
