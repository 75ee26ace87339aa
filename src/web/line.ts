/** What the page knows of a message, or of a change of a chat. Pure. */
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
import { lifetimeWords, names } from './words.ts'

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

/** A line of a history: shown, and not kept. `read`: how far the other has read own messages. */
export const fromPast = (
  { id, chat, from, body, media, change, time, epoch, seq, at }: Past,
  read: Line['at'],
  me: string,
): Line => ({
  id,
  chat,
  from,
  mine: from === me,
  text: textOf(body),
  media,
  change,
  time,
  state: from !== me || covers(read, at) ? 'read' : 'sent',
  code: null,
  at: at ?? { epoch, seq },
  here: { epoch, seq },
  order: placeIn(time, { epoch, seq }),
  lifetime: 'permanent',
  expires: null,
  waits: null,
})

const textOf = (body: Outgoing['body']): string => (typeof body === 'string' ? body : `[${body.byteLength} bytes]`)

/** A line that waited to be read has been: its time runs. */
export function startTimer(line: Line, now: number): Line {
  const timer = line.waits === null ? undefined : timerOf(line.lifetime)
  return timer ? { ...line, waits: null, expires: now + timer.ms } : line
}

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
      return `${who} added ${names(text.split('\n').map((user) => (user === me ? 'you' : user)))}`
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

export const covers = (seen: Line['at'], at: Line['at']): boolean =>
  seen !== null && at !== null && seen.epoch === at.epoch && at.seq <= seen.seq

/** The least between two places in a chat: a time has 41 of the 53 bits of a number. */
export const step = 1 / 1_024

/** Where a line belongs by its time, and of those of one millisecond by its place in the inbox. */
export const placeIn = (time: number, here: Line['at']): number => time + ((here?.seq ?? 0) % 1_024) * step

export const isGroup = (chat: string): boolean => chat.startsWith('#')
