/** What the page knows of chats. Pure: the log keeps it, the views show it. */
import type { Attachment, Change, Incoming, MessageState, Outgoing } from '../client/index.ts'

export type Line = {
  readonly id: string
  readonly chat: string
  /** Who wrote it, or made the change. */
  readonly from: string
  readonly mine: boolean
  readonly text: string
  readonly media: Attachment | null
  /** What it changed of its group; its text is the new value. */
  readonly change: Change | null
  readonly time: number
  readonly state: MessageState
  /** Why it was refused. */
  readonly code: string | null
  /** Where it stands: of own lines in the recipient's or the group's log, of others in this user's inbox. */
  readonly at: { readonly epoch: number; readonly seq: number } | null
  /** Its place in the chat; given when it is first kept, and never changed. */
  readonly order: number
}

export type Chat = {
  readonly id: string
  /** Of a group, where it is known. */
  readonly name: string | null
  readonly last: Line | null
  readonly unread: number
  /** The newest message of the other one: what is read when the chat is. */
  readonly newest: Line['at']
  /** How far this person has read it, on any of their devices. */
  readonly seen: Line['at']
}

export const newChat = (id: string): Chat => ({ id, name: null, last: null, unread: 0, newest: null, seen: null })

export const fromMe = ({ id, to, body, media, change, time, state, code, at }: Outgoing, me: string): Line => ({
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
  at,
  order: 0,
})

export const toMe = ({ id, chat, from, body, media, change, time, epoch, seq }: Incoming): Line => ({
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
  at: { epoch, seq },
  order: 0,
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
      return `${who} changed how long messages stay: ${text}`
    case null:
      return text
  }
}

const rank = { queued: 0, sent: 1, delivered: 2, read: 3, refused: 4 } as const

/** Takes a line into its chat. One that is known already keeps its place, and its state only rises. */
export function merge(chat: Chat, known: Line | undefined, line: Line): { readonly chat: Chat; readonly line: Line } {
  if (known) {
    const newer = rank[line.state] > rank[known.state] ? { ...line, order: known.order } : known
    return { line: newer, chat: chat.last?.id === newer.id ? { ...chat, last: newer } : chat }
  }
  const placed = { ...line, order: Math.max(line.time, (chat.last?.order ?? 0) + 1) }
  if (line.change) {
    const name = line.change === 'create' || line.change === 'rename' ? line.text : chat.name
    return { line: placed, chat: { ...chat, last: placed, name } }
  }
  if (line.mine) return { line: placed, chat: { ...chat, last: placed } }
  const unread = chat.unread + (covers(chat.seen, line.at) ? 0 : 1)
  return { line: placed, chat: { ...chat, last: placed, unread, newest: line.at } }
}

/** A chat that was read up to there. What comes later and is older than that is read, too. */
export const seenUpTo = (chat: Chat, seen: Line['at']): Chat => ({
  ...chat,
  seen,
  unread: covers(seen, chat.newest) ? 0 : chat.unread,
})

const covers = (seen: Line['at'], at: Line['at']): boolean =>
  seen !== null && at !== null && seen.epoch === at.epoch && at.seq <= seen.seq

/** The chats with the newest first. */
export const sorted = (chats: Iterable<Chat>): Chat[] =>
  [...chats].sort((a, b) => (b.last?.order ?? Number.POSITIVE_INFINITY) - (a.last?.order ?? Number.POSITIVE_INFINITY))
