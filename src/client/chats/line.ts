/** What is known of a message, or of a change of a chat. Pure. */
import type { Change } from '../../protocol/group.ts'
import { type Lifetime, timerOf } from '../../protocol/lifetime.ts'
import type { Attachment, Incoming, MessageState, Outgoing, Past } from '../types.ts'

/** A message, or a change of a chat, as the chat shows it. */
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
  /** When it vanishes, by this device's clock. */
  readonly expires: number | null
  /** Its chat, while the line waits to be read before its time runs. */
  readonly waits: string | null
  /** Of what may be unread: its chat, and its place as in `here`. null: it is an own line, or a change. */
  readonly counts: readonly [chat: string, epoch: number, seq: number] | null
  /** Its place in the chat; given when it is first kept, and never changed. */
  readonly order: number
}

/** The line of an own message. */
export const fromMe = (message: Outgoing, me: string): Line => {
  const { id, to, body, media, change, time, state, code, at, copy, lifetime } = message
  // What was agreed on stays to be read, when all that was said is gone.
  const expires = change ? null : message.expires
  const is = { id, chat: to, from: me, mine: true, text: textOf(body), media, change, time, state, code }
  return { ...is, at, here: copy, lifetime, expires, waits: null, counts: null, order: 0 }
}

/** `now`: when it came here. */
export const toMe = (message: Incoming, now: number): Line => {
  const { id, chat, from, body, media, change, lifetime, time, epoch, seq } = message
  const timer = change ? undefined : timerOf(lifetime)
  const expires = timer?.start === 'delivered' ? now + timer.ms : null
  const is = {
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
  } as const
  const waits = timer?.start === 'read' ? chat : null
  const counts = change ? null : ([chat, epoch, seq] as const)
  return { ...is, at: { epoch, seq }, here: { epoch, seq }, lifetime, expires, waits, counts, order: 0 }
}

/** A line of a history: shown, and not kept. `read`: how far the other has read own messages. */
export const fromPast = (message: Past, read: Line['at'], me: string): Line => {
  const { id, chat, from, body, media, change, time, epoch, seq, at } = message
  const state = from !== me || covers(read, at) ? 'read' : 'sent'
  const is = { id, chat, from, mine: from === me, text: textOf(body), media, change, time, state, code: null } as const
  const [here, order] = [{ epoch, seq }, placeIn(time, { epoch, seq })]
  return { ...is, at: at ?? here, here, lifetime: 'permanent', expires: null, waits: null, counts: null, order }
}

const textOf = (body: Outgoing['body']): string => (typeof body === 'string' ? body : `[${body.byteLength} bytes]`)

/** A line that waited to be read has been: its time runs. */
export function startTimer(line: Line, now: number): Line {
  const timer = line.waits === null ? undefined : timerOf(line.lifetime)
  return timer ? { ...line, waits: null, expires: now + timer.ms } : line
}

export const covers = (seen: Line['at'], at: Line['at']): boolean =>
  seen !== null && at !== null && seen.epoch === at.epoch && at.seq <= seen.seq

/** The least between two places in a chat: a time has 41 of the 53 bits of a number. */
export const step = 1 / 1_024

/** Where a line belongs by its time, and of those of one millisecond by its place in the inbox. */
export const placeIn = (time: number, here: Line['at']): number => time + ((here?.seq ?? 0) % 1_024) * step

export const isGroup = (chat: string): boolean => chat.startsWith('#')
