/** What is known of a message, or of a change of a chat. Pure. */
import type { Change } from '../../protocol/group.ts'
import { type Lifetime, timerOf } from '../../protocol/lifetime.ts'
import type { GroupChange, Change as Identity, Unread, Why } from '../e2ee/types.ts'
import type { Attachment, Incoming, MessageState, Outgoing, Past } from '../types.ts'

/**
 * What this device has to say in a chat: that a message could not be read (`Unread`), that the keys of its user are others (`Change` of e2ee),
 * or that not all have the same list of who is in a sealed group (`GroupChange`).
 */
export type Note =
  | { readonly is: 'unread'; readonly why: Why; readonly retrying: boolean }
  | { readonly is: 'identity'; readonly why: Identity }
  | ({ readonly is: 'group' } & Pick<GroupChange, 'why' | 'users'>)

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
  /** true: no server could read it. */
  readonly sealed?: boolean
  /** It is no message, or not yet: one that could not be read, which takes this place when it can be. */
  readonly note?: Note
}

/** The line of an own message. */
export const fromMe = (message: Outgoing, me: string): Line => {
  const { id, to, body, media, change, time, state, code, at, copy, lifetime, sealed } = message
  // What was agreed on stays to be read, when all that was said is gone.
  const expires = change ? null : message.expires
  const is = { id, chat: to, from: me, mine: true, text: textOf(body), media, change, time, state, code }
  return { ...is, at, here: copy, lifetime, expires, waits: null, counts: null, order: 0, ...(sealed && { sealed }) }
}

/** `now`: when it came here. */
export const toMe = (message: Incoming, now: number): Line => {
  const { id, chat, from, body, media, change, lifetime, time, epoch, seq, sealed } = message
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
  const here = { epoch, seq }
  return { ...is, at: here, here, lifetime, expires, waits, counts, order: 0, ...(sealed && { sealed }) }
}

/** A line of a history: shown, and not kept. `read`: how far the other has read own messages. */
export const fromPast = (message: Past, read: Line['at'], me: string): Line => {
  const { id, chat, from, body, media, change, time, epoch, seq, at } = message
  const state = from !== me || covers(read, at) ? 'read' : 'sent'
  const is = { id, chat, from, mine: from === me, text: textOf(body), media, change, time, state, code: null } as const
  const [here, order] = [{ epoch, seq }, placeIn(time, { epoch, seq })]
  const line = { ...is, at: at ?? here, here, lifetime: 'permanent', expires: null, waits: null, counts: null } as const
  // The server has nothing to show of what was sealed.
  const isSealed = body.length === 0 && !media && !change
  return { ...line, order, ...(isSealed && { note: { is: 'unread', why: 'not_kept', retrying: false } }) }
}

/** In the place of a message that could not be read. */
export const unread = ({ id, chat, from, why, retrying, time, epoch, seq }: Unread, me: string): Line => {
  const here = { epoch, seq }
  return { ...noted(id, chat, from, time, { is: 'unread', why, retrying }), mine: from === me, at: here, here }
}

/** That the keys of a user are others. */
export const otherKeys = (user: string, why: Identity, now: number): Line =>
  noted(crypto.randomUUID(), user, user, now, { is: 'identity', why })

export const otherList = ({ group, why, users }: GroupChange, now: number): Line =>
  noted(crypto.randomUUID(), group, users[0] ?? '', now, { is: 'group', why, users })

const noted = (id: string, chat: string, from: string, time: number, note: Note): Line => ({
  ...{ id, chat, from, mine: false, text: '', media: null, change: null, time, state: 'read', code: null },
  ...{ at: null, here: null, lifetime: 'default', expires: null, waits: null, counts: null, order: 0, note },
})

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
