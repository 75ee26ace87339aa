/** The entries of a log, and what follows from one alone: which chat it is of, what its timer waits for, when it has vanished. */
import type { Change, Place } from './group.ts'
import {
  type Body,
  type ChatId,
  isGroup,
  type MediaRef,
  type MessageId,
  type Millis,
  type Position,
  type Seq,
  type UserId,
} from './ids.ts'
import { type Lifetime, timerOf } from './lifetime.ts'

/** How long an entry with a body stays. In the log of a group `permanent` means `default`, and every other kind `temporary`. */
type Lasting = {
  /** Absent: `default`. */
  readonly lifetime?: Lifetime
  /** Its timer runs: from then on it is `gone`. */
  readonly expires?: Millis
}

/** One item of an inbox. `time` never falls along an inbox. */
export type Entry =
  | ({
      readonly is: 'message'
      readonly seq: Seq
      readonly time: Millis
      readonly id: MessageId
      readonly from: UserId
      readonly body: Body
      readonly media?: MediaRef
      /** In the inbox of a group's member: where the message stands in the group. */
      readonly place?: Place
      /** In the log of a group, and between two users: what the message changes. */
      readonly change?: Change
    } & Lasting)
  /** An own copy: what another device of this user sent, and where it stands in the recipient's inbox. */
  | ({
      readonly is: 'copy'
      readonly seq: Seq
      readonly time: Millis
      readonly id: MessageId
      readonly to: ChatId
      readonly body: Body
      readonly media?: MediaRef
      readonly at: Position
      readonly change?: Change
    } & Lasting)
  /** This user's messages to `peer` in log `epoch` are delivered and read up to these seqs (0: none). */
  | {
      readonly is: 'receipt'
      readonly seq: Seq
      readonly time: Millis
      readonly peer: ChatId
      readonly epoch: number
      readonly delivered: Seq
      readonly read: Seq
    }
  /** A device of this user has read `chat` up to entry `upTo` of this inbox: for the other devices. */
  | {
      readonly is: 'seen'
      readonly seq: Seq
      readonly time: Millis
      readonly chat: ChatId
      readonly upTo: Seq
    }
  /** What stood here has vanished, or was deleted. */
  | { readonly is: 'gone'; readonly seq: Seq; readonly time: Millis }
  /** A device of this user has deleted the messages of `chat` in `from` to `upTo` of this inbox. */
  | {
      readonly is: 'deleted'
      readonly seq: Seq
      readonly time: Millis
      readonly chat: ChatId
      readonly from: Seq
      readonly upTo: Seq
    }

/** What an entry is that carries a body. */
export type Carrier = Extract<Entry, { readonly body: Body }>

/** The lowest seq that waits until all devices have it (`temporary`), one has it (`delivered`), or it was read; 0: none does. */
export type Waiting = { readonly temporary: Seq; readonly delivered: Seq; readonly read: Seq }

/** What starts timers: every device, or the first one, has acknowledged the inbox up to here; or this chat was read up to here. */
export type Started =
  | { readonly is: 'temporary' | 'delivered'; readonly upTo: Seq }
  | { readonly is: 'read'; readonly chat: ChatId; readonly upTo: Seq }

/** The chat of a message or a copy, as its owner names it. */
export const chatOf = (entry: Carrier): ChatId => (entry.is === 'copy' ? entry.to : (entry.place?.group ?? entry.from))

/** What the timer of an entry waits for; undefined: it has none, or it runs. */
export function waitsFor(owner: ChatId, entry: Entry): Started['is'] | undefined {
  if (!('body' in entry) || entry.lifetime === undefined || entry.expires !== undefined) return undefined
  return startOf(owner, entry.lifetime)
}

/** What starts the timer of a lifetime in the log of that owner; undefined: it has none. */
export function startOf(owner: ChatId, lifetime: Lifetime): Started['is'] | undefined {
  if (lifetime === 'default' || lifetime === 'permanent') return undefined
  return isGroup(owner) ? 'temporary' : (timerOf(lifetime)?.start ?? 'temporary')
}

/** Whether the history of its chat keeps an entry. The log of a group has no history: its members have. */
export const isKept = (owner: ChatId, entry: Entry): entry is Carrier =>
  'body' in entry && entry.lifetime === 'permanent' && !isGroup(owner)

/** Whether `started` starts the timer of an entry. */
export const starts = (owner: ChatId, entry: Entry, started: Started): entry is Carrier =>
  entry.seq <= started.upTo &&
  waitsFor(owner, entry) === started.is &&
  (started.is !== 'read' || chatOf(entry as Carrier) === started.chat)

/** An entry whose timer starts now; what was temporary has no time left. */
export function start(entry: Carrier, is: Started['is'], now: Millis): Entry {
  const timer = timerOf(entry.lifetime ?? '')
  return is === 'temporary' || !timer ? goneOf(entry) : { ...entry, expires: now + timer.ms }
}

/** What stays in the place of an entry. */
export const goneOf = ({ seq, time }: Entry): Entry => ({ is: 'gone', seq, time })

/** Whether the timer of an entry has run out. */
export const isOver = (entry: Entry, now: Millis): boolean =>
  'body' in entry && entry.expires !== undefined && entry.expires <= now

/** What has run out comes as gone. */
export const withoutVanished = (entries: readonly Entry[], now: Millis): readonly Entry[] =>
  entries.some((entry) => isOver(entry, now))
    ? entries.map((entry) => (isOver(entry, now) ? goneOf(entry) : entry))
    : entries

/** Whether `erase` of these takes an entry. */
export const isErased = (entry: Entry, chat: ChatId, from: Seq, upTo: Seq): entry is Carrier =>
  'body' in entry && entry.seq >= from && entry.seq <= upTo && chatOf(entry) === chat

/** From the lowest seq that waits, by kind: null when none does. */
export function waitingOf(lowest: (is: Started['is']) => Seq): Waiting | null {
  const waiting = { temporary: lowest('temporary'), delivered: lowest('delivered'), read: lowest('read') }
  return waiting.temporary + waiting.delivered + waiting.read > 0 ? waiting : null
}

/** When a copy vanishes whose timer starts now; undefined: it has none, or waits for all devices. */
export function copyExpires(lifetime: Lifetime | undefined, now: Millis): Millis | undefined {
  const timer = lifetime && timerOf(lifetime)
  return timer && now + timer.ms
}
