/** What the page knows of chats. Pure: the log keeps it, the views show it. */
import type { Attachment, Incoming, MessageState, Outgoing } from '../client/index.ts'

export type Line = {
  readonly id: string
  readonly chat: string
  readonly mine: boolean
  readonly text: string
  readonly media: Attachment | null
  readonly time: number
  readonly state: MessageState
  /** Why it was refused. */
  readonly code: string | null
  /** Where it stands in this user's inbox; null of own lines. */
  readonly at: { readonly epoch: number; readonly seq: number } | null
  /** Its place in the chat; given when it is first kept, and never changed. */
  readonly order: number
}

export type Chat = {
  readonly id: string
  readonly last: Line | null
  readonly unread: number
  /** The newest message of the other one: what is read when the chat is. */
  readonly newest: Line['at']
}

export const newChat = (id: string): Chat => ({ id, last: null, unread: 0, newest: null })

export const fromMe = ({ id, to, body, media, time, state, code }: Outgoing): Line => ({
  id,
  chat: to,
  mine: true,
  text: textOf(body),
  media,
  time,
  state,
  code,
  at: null,
  order: 0,
})

export const toMe = ({ id, from, body, media, time, epoch, seq }: Incoming): Line => ({
  id,
  chat: from,
  mine: false,
  text: textOf(body),
  media,
  time,
  state: 'read',
  code: null,
  at: { epoch, seq },
  order: 0,
})

const textOf = (body: Outgoing['body']): string => (typeof body === 'string' ? body : `[${body.byteLength} bytes]`)

/** A line in a few words, for a list. */
export function summary({ text, media }: Line): string {
  const words = text.replace(/\s+/g, ' ').slice(0, 200)
  if (!media) return words
  const kinds = { image: 'Photo', video: 'Video', audio: 'Recording' }
  const kind = kinds[media.type.split('/')[0] as keyof typeof kinds] ?? 'File'
  return words ? `${kind}: ${words}` : kind
}

const rank = { queued: 0, sent: 1, delivered: 2, read: 3, refused: 4 } as const

/** Takes a line into its chat. One that is known already keeps its place, and its state only rises. */
export function merge(chat: Chat, known: Line | undefined, line: Line): { readonly chat: Chat; readonly line: Line } {
  if (known) {
    const newer = rank[line.state] > rank[known.state] ? { ...line, order: known.order } : known
    return { line: newer, chat: chat.last?.id === newer.id ? { ...chat, last: newer } : chat }
  }
  const placed = { ...line, order: Math.max(line.time, (chat.last?.order ?? 0) + 1) }
  if (line.mine) return { line: placed, chat: { ...chat, last: placed } }
  return { line: placed, chat: { ...chat, last: placed, unread: chat.unread + 1, newest: line.at } }
}

/** The chats with the newest first. */
export const sorted = (chats: Iterable<Chat>): Chat[] =>
  [...chats].sort((a, b) => (b.last?.order ?? Number.POSITIVE_INFINITY) - (a.last?.order ?? Number.POSITIVE_INFINITY))
