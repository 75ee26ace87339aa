/** What a user actor is told, what it keeps, and what it asks of its host. */

import type { CloseCode, ErrorCode } from '../../src/protocol/codes.ts'
import type { Carrier, Entry, Started, Waiting } from '../../src/protocol/entry.ts'
import type { Asked, Lost } from '../../src/protocol/frames.ts'
import type { Change, Place } from '../../src/protocol/group.ts'
import type { Body, DeviceId, MediaRef, MessageId, Millis, Position, Seq, UserId } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import type { Setting, Settings } from '../../src/protocol/settings.ts'
import type { Appended, DedupeKey, DeviceCursor, HistoryPosition, Life } from '../../src/store/contract.ts'
import type { Step } from '../lanes.ts'
import type { Deletion } from './deletion.ts'
import type { Removal } from './devices.ts'
import type { Changes } from './preferences.ts'
import type { Seen } from './seen.ts'

/** Names a session of this node; 0 is none. Never used again for another session. */
export type SessionRef = number
/** Names whoever waits for an answer. */
export type Ticket = number

/** The answer to a deliver or a copy: where the entry stands, or why it was refused. */
export type Accepted =
  /** `lifetime`: how long the entry stays, where that is not as by default. `members`: from a group, how many it has now. */
  | {
      readonly is: 'accepted'
      readonly at: Position
      readonly time: Millis
      readonly lifetime?: Lifetime
      readonly members?: number
    }
  /** `retryAfter`: after so many ms the same may be accepted, and one after another every so many; missing: as the table of codes says. */
  | { readonly is: 'refused'; readonly code: ErrorCode; readonly retryAfter?: Millis; readonly every?: Millis }

/**
 * A message that asks for an entry, and who waits for the answer. `again`: it may have been accepted before. `session` is
 * the one that it came by, 0 for a send from code; `turn` says what it must not overtake.
 */
export type Deliver = {
  readonly is: 'deliver'
  readonly session: SessionRef
  readonly turn: Step
  readonly from: UserId
  readonly id: MessageId
  readonly body: Body
  readonly media?: MediaRef | undefined
  /** A copy of a group's message, and where that stands. */
  readonly place?: Place | undefined
  /** In a group's log, or between two users: what the message changes. */
  readonly change?: Change | undefined
  /** In a group's log, and at its members: how long the message stays. Between two users their settings say it. */
  readonly lifetime?: Lifetime | undefined
  /** Why it is refused, unless it is a repeat. */
  readonly denied?: ErrorCode | undefined
  readonly again: boolean
  readonly ticket: Ticket
}
/** An own copy: what a device of this user sent, for the other devices. */
export type Copy = {
  readonly is: 'copy'
  readonly to: UserId
  readonly at: Position
  /** That of the message in the recipient's inbox. */
  readonly time: Millis
  readonly id: MessageId
  readonly body: Body
  readonly media?: MediaRef | undefined
  readonly change?: Change | undefined
  /** Of a message to a group: how long it stays. */
  readonly lifetime?: Lifetime | undefined
  readonly again: boolean
  readonly ticket: Ticket
}

/**
 * A cursor that a device shows. `term`: of the life that it is of, 0 where the store knows none such; missing: it was not told.
 * `seen`: up to there it has what it did not acknowledge.
 */
export type Presented = Position & { readonly term?: number; readonly seen?: Seq }

/** One user's mailbox made durable. */
export type UserMessage =
  | Deliver
  | Copy
  /** The answer to `find`, in the order of its keys; null: the store did not answer. */
  | { readonly is: 'found'; readonly repeats: readonly (Appended | undefined)[] | null }
  | { readonly is: 'appended'; readonly first: Seq; readonly last: Seq }
  /** The outcome is unknown: the same entries are appended again until it is known. */
  | { readonly is: 'unappended'; readonly first: Seq; readonly last: Seq }
  | {
      readonly is: 'attach'
      readonly session: SessionRef
      readonly device: DeviceId
      readonly cursor: Presented | null
      /** When the token was made that the device has shown; missing: it does not say. */
      readonly issuedAt?: Millis | undefined
    }
  | { readonly is: 'detach'; readonly session: SessionRef }
  /** From a session of a sender: does what was told of this log still hold? `life`: as the client names it. */
  | { readonly is: 'stand'; readonly session: SessionRef; readonly at: Presented; readonly life: number }
  /** The answer to `fetch`; null: the store did not answer. `session` 0: it was for receipts; -1: to see what is known already. */
  | { readonly is: 'page'; readonly session: SessionRef; readonly from: Seq; readonly entries: readonly Entry[] | null }
  | { readonly is: 'ack'; readonly session: SessionRef; readonly seq: Seq }
  | { readonly is: 'read'; readonly session: SessionRef; readonly chat: UserId; readonly seq: Seq }
  /** The answer to `check`; null: the store did not answer. */
  | {
      readonly is: 'checked'
      readonly session: SessionRef
      readonly chat: UserId
      readonly seq: Seq
      /** Where the message stands for its sender; 0: it is not of that chat. */
      readonly at: Seq | null
    }
  /** From the actor of `from`: this user's messages to them are delivered and read up to these seqs of log `epoch`. */
  | {
      readonly is: 'receipt'
      readonly from: UserId
      readonly epoch: number
      readonly delivered: Seq
      readonly read: Seq
      /** It may have been told before. */
      readonly again: boolean
      /** To a group: whom they have blocked, and who is not to be told. */
      readonly hides?: readonly UserId[]
    }
  /** From the actor of `peer`: the receipts up to these seqs are durable there. */
  | { readonly is: 'receipted'; readonly peer: UserId; readonly delivered: Seq; readonly read: Seq }
  | { readonly is: 'saved'; readonly ok: boolean }
  /** A device changes a setting, which it calls `ref`. */
  | { readonly is: 'set'; readonly session: SessionRef; readonly ref: string; readonly setting: Setting }
  /** The answer to `keep`. */
  | { readonly is: 'kept'; readonly ok: boolean }
  | { readonly is: 'ask'; readonly session: SessionRef; readonly what: Asked }
  | { readonly is: 'remove'; readonly session: SessionRef; readonly device: DeviceId }
  /** From a device; or from code, with `session` 0, which is answered by its ticket. */
  | {
      readonly is: 'delete'
      readonly session: SessionRef
      readonly ticket: Ticket
      readonly chat: UserId
      readonly from: Seq
      readonly upTo: Seq
    }
  /** The answer to `look`; null: the store did not answer. */
  | { readonly is: 'looked'; readonly deletion: Deletion; readonly found: Span | null }
  /** The answer to `erase`. */
  | { readonly is: 'erased'; readonly deletion: Deletion; readonly ok: boolean }
  | {
      readonly is: 'history'
      readonly session: SessionRef
      readonly ref: string
      readonly chat: UserId
      readonly before: HistoryPosition | null
      readonly limit: number
    }
  /** The answer to `history`; null: the store did not answer. */
  | {
      readonly is: 'past'
      readonly session: SessionRef
      readonly ref: string
      readonly entries: readonly Carrier[] | null
    }
  /** The answer to `start`: the lowest seq that still waits for that, 0 for none; null: the store did not answer. */
  | {
      readonly is: 'started'
      readonly started: Started
      readonly tail: Seq
      readonly session: SessionRef
      readonly lowest: Seq | null
    }
  /** To a group's log: what stands there up to `upTo` is in the group's record. */
  | { readonly is: 'settled'; readonly upTo: Seq }
  | { readonly is: 'timer'; readonly timer: Timer }
  /** From the former life of an actor that crashed: by session, what it had refused. */
  | { readonly is: 'refusals'; readonly turns: ReadonlyMap<SessionRef, Step> }

export type Timer = 'append' | 'save' | 'saveAcks' | 'stay' | 'receipts' | 'retell' | 'start'

/** What a user actor asks of its host. */
export type UserEffect =
  | { readonly do: 'append'; readonly entries: readonly Entry[] }
  | { readonly do: 'find'; readonly keys: readonly DedupeKey[] }
  /** Read entries from the inbox; answered by `page`. */
  | {
      readonly do: 'fetch'
      readonly session: SessionRef
      readonly from: Seq
      readonly limit: number
      readonly bytes: number
    }
  /** Is the entry at `seq` a message of that chat? Answered by `checked`. */
  | { readonly do: 'check'; readonly session: SessionRef; readonly chat: UserId; readonly seq: Seq }
  /** The log has another epoch from now on. What a crash forgets of that, it is given again. */
  | { readonly do: 'rename'; readonly epoch: number }
  | { readonly do: 'save'; readonly cursors: readonly DeviceCursor[]; readonly settled: Seq }
  | {
      readonly do: 'welcome'
      readonly session: SessionRef
      /** As it was then: the log may be renamed before the host performs this. */
      readonly epoch: number
      readonly seq: Seq
      readonly tail: Seq
      /** Why the cursor is not honoured; null: it is. */
      readonly why: Lost | null
      readonly siblings: boolean
      readonly settings: Settings
    }
  | {
      readonly do: 'stands'
      readonly session: SessionRef
      readonly epoch: number
      readonly life: number
      readonly upTo: Seq
      readonly now: number
    }
  | { readonly do: 'live'; readonly session: SessionRef; readonly seq: Seq }
  | { readonly do: 'push'; readonly session: SessionRef; readonly entries: readonly Entry[] }
  /** An early receipt, before it is an entry. */
  | {
      readonly do: 'news'
      readonly session: SessionRef
      readonly peer: UserId
      readonly epoch: number
      readonly delivered: Seq
      readonly read: Seq
    }
  | { readonly do: 'done'; readonly session: SessionRef; readonly chat: UserId; readonly seq: Seq }
  | {
      readonly do: 'refuse'
      readonly session: SessionRef
      readonly kind: 'ack' | 'read' | 'set' | 'remove' | 'delete' | 'history'
      readonly ref: string | null
      readonly code: ErrorCode
    }
  | {
      readonly do: 'confirm'
      readonly session: SessionRef
      readonly kind: 'set' | 'ask' | 'remove' | 'delete' | 'history'
      readonly ref: string
      readonly seq: Seq
      /** Of a deletion. */
      readonly from?: Seq
    }
  | {
      readonly do: 'device'
      readonly session: SessionRef
      readonly device: DeviceId
      readonly connected: boolean
      readonly lastSeen: Millis
    }
  /** A sibling of this device has read a chat; it will come as an entry, too. */
  | { readonly do: 'seen'; readonly session: SessionRef; readonly chat: UserId; readonly upTo: Seq }
  /** Write the settings; answered by `kept`. */
  | { readonly do: 'keep'; readonly settings: Settings }
  /** Start the timers of entries that wait for this; answered by `started`. `tail`: as it is now; `session`: who has read. */
  | { readonly do: 'start'; readonly started: Started; readonly tail: Seq; readonly session: SessionRef }
  /** Which messages of the deletion's chat are in `from` to `upTo`? Answered by `looked`. */
  | { readonly do: 'look'; readonly deletion: Deletion; readonly from: Seq; readonly upTo: Seq }
  /** Make gone what the chat has in `from` to `end`, and release its media where nothing is left; answered by `erased`. */
  | { readonly do: 'erase'; readonly deletion: Deletion }
  /** Read back a chat; answered by `past`. */
  | {
      readonly do: 'history'
      readonly session: SessionRef
      readonly ref: string
      readonly chat: UserId
      readonly before: HistoryPosition | null
      readonly limit: number
      readonly bytes: number
    }
  | { readonly do: 'past'; readonly session: SessionRef; readonly ref: string; readonly entries: readonly Carrier[] }
  /** Tell a device the settings of its user. */
  | { readonly do: 'settings'; readonly session: SessionRef; readonly settings: Settings }
  /** The settings have changed: those who watch this user may see more, or less. */
  | { readonly do: 'show'; readonly settings: Settings }
  | { readonly do: 'close'; readonly session: SessionRef; readonly code: CloseCode }
  /** An ack of a device said nothing new. */
  | { readonly do: 'wasted'; readonly session: SessionRef }
  /** This user has several devices from now on: what one sends, the others get a copy of. */
  | { readonly do: 'siblings'; readonly session: SessionRef }
  | { readonly do: 'answer'; readonly ticket: Ticket; readonly answer: Accepted }
  | {
      readonly do: 'tell'
      readonly user: UserId
      readonly message: Extract<UserMessage, { is: 'receipt' | 'receipted' }>
    }
  | { readonly do: 'after'; readonly ms: number; readonly timer: Timer }
  /** A message became durable in this inbox; in that log. */
  | { readonly do: 'accepted'; readonly epoch: number; readonly entry: Extract<Entry, { is: 'message' }> }
  /** This user's messages to `peer` were delivered or read up to these seqs. */
  | {
      readonly do: 'receipted'
      readonly peer: UserId
      readonly epoch: number
      readonly delivered: Seq
      readonly read: Seq
    }

/** The limits that the actor keeps; units in src/protocol/limits.ts. */
export type UserLimits = {
  readonly devices: number
  readonly windowEntries: number
  readonly windowBytes: number
  readonly inboxEntries: number
  readonly appendsInFlight: number
  readonly listed: number
  readonly deviceAwayMs: number
  /** A blocked sender is answered as if the message were taken. */
  readonly swallows: boolean
  /** How long messages of a chat stay until somebody changes it. */
  readonly lifetime: Lifetime
  /** The life of this node, and its name; 0: the store keeps none. */
  readonly term: number
  readonly life: number
}

/**
 * A device of the user. `session` 0: it is away. `opening`: its first page is being read; a `Lost`: the same,
 * and why the cursor that it presented cannot be honoured. `replaying`: it reads from the
 * inbox. `live`: it has everything that it may have, and gets new entries as they are appended.
 */
export type Device = {
  readonly device: DeviceId
  session: SessionRef
  phase: 'away' | 'opening' | Lost | 'replaying' | 'live'
  acked: Seq
  pushed: Seq
  seenAt: Millis
  /** Body bytes of the entries pushed and not acknowledged, oldest first; null when there are none. */
  sizes: number[] | null
  fetching: boolean
  /** Whether `live` was said to this session. */
  told: boolean
}

/** A message id that is known in memory; `askers` wait for its entry to become durable, null when it is. */
export type Known = { readonly seq: Seq; readonly time: Millis; askers: (Deliver | Copy)[] | null }

/** An entry that is not known to be durable; of a message or a copy also its id, as it is known in memory. */
export type Pending = { readonly entry: Entry; readonly known: Known | null }

/** Who is told that the entry at `seq` is delivered or read: the sender, or the group, where it stands at `at`. */
export type Sender = { readonly seq: Seq; readonly chat: UserId; readonly at: Seq }

/** `read`: whether it was told as read; what came from the inbox may have been. */
type Noted = Sender & { read: 'no' | 'maybe' | 'yes' }

/** Messages of a chat: the entry of the first, and where the last stands for its sender. 0: there are none. */
export type Span = { readonly first: Seq; readonly at: Seq }

/** Receipts told to a chat and not confirmed by it, by its own seqs. `first`: the lowest seq of this inbox that they settle. */
export type Told = {
  first: Seq
  delivered: Seq
  read: Seq
  readers: { readonly session: SessionRef; readonly seq: Seq; readonly at: Seq }[]
}

/** What a peer has of this user's messages, by the peer's log. */
export type Marks = { readonly epoch: number; readonly delivered: Seq; readonly read: Seq }
/** Receipts that came for this user and are not an entry yet. `again`: they may be known. */
type News = Marks & { again: boolean }

/** What a user actor needs only while it has something to do. */
export type Work = {
  /** Entries that are not known to be durable, in seq order. The next seq is that of the last one + 1. */
  readonly pending: Pending[]
  /** Failed rounds of appends in a row. */
  failures: number
  /** Delivers and copies behind a look-up for repeats, in order; the first `asked` of those marked `again` are being looked up. */
  waiting: (Deliver | Copy)[]
  asked: number
  /** The latest message ids, oldest first. */
  readonly known: Map<string, Known>
  /** By session: the first message of its latest round that was refused for now. What follows it in that round is refused too. */
  readonly refused: Map<SessionRef, Step>
  /** Receipts are told for all entries up to here. */
  told: Seq
  scanning: boolean
  /** Senders of the messages with a seq in [sendersFrom, sendersTo]. */
  senders: Noted[]
  sendersFrom: Seq
  sendersTo: Seq
  readonly outstanding: Map<UserId, Told>
  readonly news: Map<UserId, News>
  /** Of the latest peers: what is durable of their receipts; and whether the latest entries are being read for what is not here. */
  readonly receipts: Map<UserId, Marks>
  recalling: boolean
  saving: boolean
  /** Changes of the settings that are not durable. */
  changes: Changes | null
  /** A change of a lifetime whose settings are not durable, and the time of its entry. What comes after it waits. */
  changing: { readonly message: Deliver | Copy; readonly time: Millis } | null
  /** Timers that are being started: by kind, and how many for reads. */
  starting: Set<'temporary' | 'delivered'> | null
  starts: number
  deletions: Deletion[]
  histories: number
  /** Reads whose entry is being looked up. */
  checks: number
  /** What this user has read and the other devices may not know. */
  seen: Seen | null
  /** Devices whose removal is not durable. */
  removals: Removal[] | null
  readonly timers: Set<Timer>
  /** Where in `devices` the last session was found. */
  near: number
}

/** The state belongs to the machine, which changes it in place; whoever wants to keep one copies it. */
export type UserState = {
  readonly user: UserId
  epoch: number
  /** The epoch before it was renamed; 0: it was not. */
  was: number
  /** As the store has them. */
  lives: readonly Life[]
  head: Seq
  /** The highest durable seq. */
  tail: Seq
  lastTime: Millis
  settled: Seq
  devices: Device[]
  /** 0: everything is saved. Else cursors or the settled mark have moved; the number grows with the entries acknowledged. */
  unsaved: number
  /** Whether acks are saved some time; the timer also runs while the actor hibernates. */
  saveTimed: boolean
  settings: Settings
  /** By kind, the lowest seq whose timer may wait; null: none does. */
  waiting: { -readonly [Kind in keyof Waiting]: Waiting[Kind] } | null
  /** null while there is nothing to do: then the actor may hibernate. */
  work: Work | null
}
