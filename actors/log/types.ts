/** What a log is told, what it keeps, what it asks of its host, and what it says to the actor that has it. */
import type { ErrorCode } from '../../src/protocol/codes.ts'
import type { Entry, Started, Waiting } from '../../src/protocol/entry.ts'
import type { Lost } from '../../src/protocol/frames.ts'
import type { Change, Place } from '../../src/protocol/group.ts'
import type { Body, DeviceId, MediaRef, MessageId, Millis, Position, Seq, UserId } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import type { Appended, DedupeKey, DeviceCursor, Life, Reads } from '../../src/store/contract.ts'
import type { Refusals, Step } from '../lanes.ts'

/** Names whoever waits for an answer. */
export type Ticket = number
/** Names a reader while it reads: of a device its session, of a member its link. 0: it is away. */
export type ReaderRef = number

/**
 * Where a message came by. What one origin sends keeps its order, also when some of it is refused for now. A link's `ref` is never
 * used again, by no group.
 */
export type Origin =
  | { readonly is: 'session'; readonly ref: number }
  | { readonly is: 'link'; readonly ref: string }
  | { readonly is: 'program' }

/** The answer to a message: where its entry stands, or why it was refused. */
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

/** A message that asks for an entry, and who waits for the answer. `again`: it may have been accepted before. */
export type Deliver = {
  readonly is: 'deliver'
  readonly origin: Origin
  /** What it must not overtake. */
  readonly step: Step
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
export type Incoming = Deliver | Copy

/** What its owner decides of a message that comes in. */
export type Judgement = {
  /** How long the entry stays; undefined: as by default. */
  readonly lifetime?: Lifetime | undefined
  /** The answer, without an entry; a repeat is answered as the first time. */
  readonly instead?: Accepted | undefined
  /** Something is to be made durable before it: the log says `paused`, and what comes later waits until it goes on. */
  readonly pauses?: boolean | undefined
}

type EntryDraft<Kind> = Kind extends Entry ? Omit<Kind, 'seq' | 'time'> : never
/** An entry that has no place yet. */
export type Draft = EntryDraft<Extract<Entry, { is: 'receipt' | 'seen' | 'deleted' }>>

/**
 * A cursor that a reader shows. `term`: of the life that it is of, 0 where the store knows none such; missing: it was not told.
 * `seen`: up to there it has what it did not acknowledge.
 */
export type Presented = Position & { readonly term?: number; readonly seen?: Seq }

/** The store's answers to what a log asked for. */
export type LogAnswer =
  /** To `find`, in the order of its keys; null: the store did not answer. */
  | { readonly is: 'found'; readonly repeats: readonly (Appended | undefined)[] | null }
  | { readonly is: 'appended'; readonly first: Seq; readonly last: Seq }
  /** The outcome is unknown: the same entries are appended again until it is known. */
  | { readonly is: 'unappended'; readonly first: Seq; readonly last: Seq }
  /** To `fetch`; null: the store did not answer. */
  | { readonly is: 'page'; readonly reader: ReaderRef; readonly from: Seq; readonly entries: readonly Entry[] | null }
  | { readonly is: 'saved'; readonly ok: boolean }
  | { readonly is: 'renamed'; readonly ok: boolean }
  /** To `start`: the lowest seq that still waits for that, 0 for none; null: the store did not answer. */
  | {
      readonly is: 'started'
      readonly started: Started
      readonly tail: Seq
      /** As in `start`. */
      readonly session: number
      readonly lowest: Seq | null
    }
  /** From the former life of an actor that crashed: by origin, what it had refused. */
  | { readonly is: 'refusals'; readonly steps: ReadonlyMap<string | number, Step> }

export type LogTimer = 'append' | 'save' | 'rename' | 'saveAcks' | 'stay' | 'start'

/** What a log asks of its host. */
export type LogEffect =
  /** `lazy`: soon is enough, with what else is written then. */
  | { readonly do: 'append'; readonly epoch: number; readonly entries: readonly Entry[]; readonly lazy: boolean }
  /** Were these accepted before, in an entry up to `upTo`? Answered by `found`. */
  | { readonly do: 'find'; readonly keys: readonly DedupeKey[]; readonly upTo: Seq }
  /** Read entries; answered by `page`. */
  | {
      readonly do: 'fetch'
      readonly reader: ReaderRef
      readonly from: Seq
      readonly limit: number
      readonly bytes: number
    }
  | {
      readonly do: 'save'
      readonly epoch: number
      readonly cursors: readonly DeviceCursor[]
      readonly settled: Seq
      readonly reads?: Reads
    }
  /**
   * Start the timers of entries that wait for this; answered by `started`. `tail`: as it is now; `session`: of the device that has
   * read, 0 for the other kinds.
   */
  | { readonly do: 'start'; readonly started: Started; readonly tail: Seq; readonly session: number }
  /** The log has another epoch from now on. What a crash forgets of that, it is given again. */
  /** Give the log this name, durably; answered by `renamed`. */
  | { readonly do: 'rename'; readonly epoch: number }
  | { readonly do: 'after'; readonly ms: number; readonly timer: LogTimer }

/** What happened in a log, in this order, for the actor that has it. */
export type LogEvent =
  /** An entry is durable. Whoever waits for it is answered next. */
  | { readonly says: 'stands'; readonly entry: Entry }
  | { readonly says: 'answer'; readonly ticket: Ticket; readonly answer: Accepted }
  /** A message pauses the log, as its owner said: it goes on by `resume`. */
  | { readonly says: 'paused'; readonly message: Incoming }
  /** A reader may begin: entries follow, after `from`. `lost`: why its cursor is not honoured; null: it is. */
  | {
      readonly says: 'opened'
      readonly reader: Reader
      /** As it was then: the log may be renamed before the host hears of it. */
      readonly epoch: number
      readonly from: Seq
      readonly tail: Seq
      readonly lost: Lost | null
    }
  /** `again`: they come from the store. */
  | { readonly says: 'pushed'; readonly reader: Reader; readonly entries: readonly Entry[]; readonly again: boolean }
  /** A reader has everything, for the first time since it came. */
  | { readonly says: 'live'; readonly reader: Reader }
  /** A reader's page could not be read, or what comes next has expired: it must come again. */
  | { readonly says: 'broken'; readonly reader: Reader; readonly code: 'unavailable' | 'resync' }
  /** A reader came, or has acknowledged more. */
  | { readonly says: 'acked'; readonly reader: Reader }
  /** The save that was the `nth` to begin is done. */
  | { readonly says: 'saved'; readonly nth: number; readonly ok: boolean }

/** The limits that a log keeps; units in src/protocol/limits.ts. */
export type LogLimits = {
  readonly windowEntries: number
  readonly windowBytes: number
  readonly appendsInFlight: number
  /** The life of this node, and its name; 0: the store keeps none. */
  readonly term: number
  readonly life: number
}

/** What a log is given in a turn by the actor that has it. */
export type LogTurn = {
  readonly now: Millis
  readonly limits: LogLimits
  /** Acks are saved after so long, while their reader stays. */
  readonly saveAcksMs: Millis
  readonly effects: { push(effect: LogEffect): unknown }
  /** What the log says; its owner heeds it in this turn. */
  readonly said: { push(event: LogEvent): unknown }
  readonly judge: (message: Incoming) => Judgement
  /** What its owner has that is to be saved with the cursors, handed over; null: nothing. */
  readonly reads: () => Reads | null
}

/**
 * Who reads the log. `away`: nobody does. `opening`: its first page is being read; a `Lost`: the same, and why the cursor that it
 * presented cannot be honoured. `replaying`: it reads from the store. `live`: it has everything that it may have, and gets new
 * entries as they are appended.
 */
export type Reader = {
  readonly device: DeviceId
  session: ReaderRef
  phase: 'away' | 'opening' | Lost | 'replaying' | 'live'
  acked: Seq
  pushed: Seq
  /** When it was last here. */
  seenAt: Millis
  /** Body bytes of the entries pushed and not acknowledged, oldest first; null when there are none. */
  sizes: number[] | null
  fetching: boolean
  /** Whether `live` was said since it came. */
  toldLive: boolean
}

/** A message id that is known in memory; `askers` wait for its entry to become durable, null when it is. */
export type Known = { readonly seq: Seq; readonly time: Millis; askers: Incoming[] | null }

/** An entry that is not known to be durable; of a message or a copy also its id, as it is known in memory. */
export type Pending = { readonly entry: Entry; readonly known: Known | null }

/** What a log needs only while it has something to do. */
export type LogWork = {
  /** Entries that are not known to be durable, in seq order. The next seq is that of the last one + 1. */
  readonly pending: Pending[]
  /** Failed rounds of appends in a row. */
  failures: number
  /** Messages behind a look-up for repeats, or a pause, in order; the first `lookedUp` of those marked `again` are being looked up. */
  waiting: Incoming[]
  lookedUp: number
  /** The message that pauses the log, and the time of its entry. */
  paused: { readonly message: Incoming; time: Millis } | null
  /** The latest message ids, oldest first. */
  readonly known: Map<string, Known>
  /** By origin: the first message of its latest round that was refused for now. What follows it in that round is refused too. */
  readonly refused: Refusals<string | number>
  /** Saves that have begun, and whether one is under way. */
  saves: number
  saving: boolean
  /** The log's new name is not durable. */
  renaming: boolean
  /** Readers whose cursor is set back, and the save that it goes with. */
  goingBack: { readonly reader: Reader; readonly save: number }[]
  /** Timers of entries that are being started, by kind. */
  readonly starting: Set<'temporary' | 'delivered'>
  readonly timers: Set<LogTimer>
}

/** The state belongs to the machine, which changes it in place; whoever wants to keep one copies it. */
export type LogState = {
  /** Whose it is, as the store names it. */
  readonly owner: UserId
  epoch: number
  /** The epoch before it was renamed; 0: it was not. */
  was: number
  /** As the store has them. */
  lives: readonly Life[]
  head: Seq
  /** The highest durable seq. */
  tail: Seq
  lastTime: Millis
  /** Up to here everything that is to follow from an entry has followed, durably, as its owner says. */
  settled: Seq
  readers: Reader[]
  /** 0: everything is saved. Else cursors or the settled mark have moved; the number grows with the entries acknowledged. */
  unsaved: number
  /** Whether acks are saved some time; the timer also runs while the actor hibernates. */
  saveTimed: boolean
  /** By kind, the lowest seq whose timer may wait; null: none does. */
  waiting: { -readonly [Kind in keyof Waiting]: Waiting[Kind] } | null
  /** null while there is nothing to do: then the actor may hibernate. */
  work: LogWork | null
}
