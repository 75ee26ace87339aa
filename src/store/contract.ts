/**
 * What a store must do. One contract, one suite (test/contracts/store.ts), every store: memory, lmdb, cassandra.
 * A user's inbox has one writer and reader, its user actor; a store therefore needs no locks per inbox.
 */
import type { Carrier, Entry, Started, Waiting } from '../protocol/entry.ts'
import type { DeviceId, GroupId, MessageId, Millis, Seq, UserId } from '../protocol/ids.ts'
import type { Lifetime } from '../protocol/lifetime.ts'
import { checkOptions, isAny } from '../protocol/options.ts'
import type { Settings } from '../protocol/settings.ts'

/** How far one device has acknowledged the inbox, and when it was last attached. */
export type DeviceCursor = { readonly device: DeviceId; readonly seq: Seq; readonly seenAt: Millis }

/** What a user actor must know of its inbox before it may answer. */
export type InboxRecord = {
  /** Names the log; 1 to 2^31 - 1, random, made when the log is first written. */
  readonly epoch: number
  /** The lowest seq still held; tail + 1 when nothing is held. */
  readonly head: Seq
  /** The highest seq that was ever appended; 0 when none was. Never falls, also when every entry has expired. */
  readonly tail: Seq
  /** `time` of the entry at the tail; 0 when none was appended. */
  readonly lastTime: Millis
  readonly cursors: readonly DeviceCursor[]
  /** Delivered receipts of all entries up to here are durable with their senders. */
  readonly settled: Seq
  /** Null: no entry waits for its timer to start. */
  readonly waiting: Waiting | null
  /** The lives in which the log was appended to, oldest first, as store/lives.ts bounds them; empty where the store keeps none. */
  readonly lives: readonly Life[]
  /** The epoch that the log had before it was renamed; 0: it was not. */
  readonly was: number
}

/** The node of this term began to append to the log at `from`. */
export type Life = { readonly term: number; readonly from: Seq }

/** Where a message of a history stands: in the inbox, as it was appended. */
export type Past = { readonly time: Millis; readonly seq: Seq }

/** What the time is by what is known apart from the clock, and for how many milliseconds the clock has said otherwise. */
export type Reckoning = { readonly at: Millis; readonly doubtMs: Millis }

/** Who holds a name. `term` is from the same row of numbers as those of `takeTerm`. */
export type Lease = { readonly holder: string; readonly term: number; readonly until: Millis }

/** A member of a group: now, or one who has left and has not got everything that was for them. Seqs are the group's. */
export type GroupMember = {
  readonly user: UserId
  readonly admin: boolean
  /** What this member may see, oldest first; `to` null: a member now. */
  readonly spans: readonly { readonly from: Seq; readonly to: Seq | null }[]
  /** How far this member has acknowledged and read, and the last message that they sent. */
  readonly delivered: Seq
  readonly read: Seq
  readonly sent: Seq
  /** Whom this member has blocked: of those, who was in the group when they last acknowledged something there. */
  readonly hides?: readonly UserId[]
  /** The ticks that are durable with this member as a sender. */
  readonly told: { readonly delivered: Seq; readonly read: Seq }
}

/** A group as of entry `seq` of its log; what came later stands in the log. */
export type GroupRecord = {
  readonly seq: Seq
  readonly name: string
  readonly history: number
  readonly lifetime: Lifetime
  readonly members: readonly GroupMember[]
  /** Who may join, since an admin wanted to add them and they are asked first; and who has left, and is asked again. */
  readonly invited?: readonly UserId[]
  readonly left?: readonly UserId[]
}

/** What marks a message as a repeat: who sent it, under which id. */
export type DedupeKey = { readonly sender: UserId; readonly id: MessageId }

/** What an earlier append of the same message was answered. */
export type Appended = { readonly seq: Seq; readonly time: Millis }

/** What is known of a message id, for operators. */
export type MessageTrace = {
  readonly recipient: UserId
  readonly sender: UserId
  readonly seq: Seq
  readonly time: Millis
}

/** What `expire` removed. */
export type Expired = { readonly entries: number; readonly dedupeKeys: number }

/** What whoever runs a store is told of. */
export type StoreEvents = {
  /** A write failed after which this process can write nothing more: it has to be started again. */
  readonly broke: (error: StoreError) => void
  /** Something was found damaged; the call that met it rejects with the same error, and concerns nobody else. */
  readonly damaged: (error: StoreError) => void
}

export interface Store {
  /** Opens files or connections. Rejects with a StoreError that says what to do. A store is opened once. */
  open(events?: StoreEvents): Promise<void>
  /** Finishes what is under way and closes. Calls after it reject. */
  close(): Promise<void>

  /** The number of this spell of ownership: higher than any given before, durable when it resolves. */
  takeTerm(): Promise<number>

  /**
   * The inbox record of a user; undefined when nothing was ever appended or saved for them. Reads nothing but this user's. With the term of
   * its new owner, who is to serve it, a store that may lose what no owner has answered makes sure of what it says.
   */
  load(user: UserId, term?: number): Promise<InboxRecord | undefined>

  /**
   * Appends entries, dense from the tail, and the dedupe keys of its messages (the sender of a copy is the user), in one atomic write. Durable when it
   * resolves. Its node gives one call at a time for each user, in seq order. After a rejection the outcome is unknown:
   * the caller repeats the same entries under the same seqs, which is harmless where they were written. The first append names the log:
   * its `epoch` counts, also where cursors were saved under another one before.
   */
  append(user: UserId, epoch: number, term: number, entries: readonly Entry[]): Promise<void>

  /**
   * Up to `limit` entries from `from` on, in seq order, as long as their bodies fit `bytes` (the first always comes). Starts later
   * than `from` only where older entries have expired. What `expires` at `now` or before comes as `gone`.
   */
  read(user: UserId, from: Seq, limit: number, bytes: number, now: Millis): Promise<readonly Entry[]>

  /**
   * Starts timers of entries that wait for this; one that runs keeps its time, and what was `temporary` is `gone`. Durable when it
   * resolves; a crash before leaves some that wait. Answers the lowest seq that still waits for that kind, 0 for none.
   * An entry waits from its append on, unless it has `expires` then: that timer runs.
   */
  startTimers(user: UserId, started: Started, now: Millis): Promise<Seq>

  /**
   * Makes `gone` of the messages and copies of `chat` in `from` to `upTo`, and takes them out of its history. Durable when it
   * resolves; may be repeated, and has to be after a rejection. Takes long where there is much, in bounded slices.
   */
  erase(user: UserId, chat: UserId, from: Seq, upTo: Seq): Promise<void>

  /**
   * Messages and copies of `chat` that were appended as `permanent`, newest first: before the one that stood at `before`, or the
   * newest. Up to `limit`, as long as their bodies fit `bytes` (the first always comes). They have no retention time.
   */
  history(user: UserId, chat: UserId, before: Past | null, limit: number, bytes: number): Promise<readonly Carrier[]>

  /**
   * For each key, what its message was answered, if it was appended to this user's inbox within the dedupe time (at least 24 h) before
   * `now`, or later. Nothing above `upTo`, the tail that the owner knows: what a store has there was never answered.
   */
  findRepeats(
    user: UserId,
    keys: readonly DedupeKey[],
    now: Millis,
    upTo: Seq,
  ): Promise<readonly (Appended | undefined)[]>

  /** Replaces the devices' cursors and the settled mark; durable when it resolves. Also for an inbox with no entry yet. */
  saveCursors(user: UserId, epoch: number, cursors: readonly DeviceCursor[], settled: Seq): Promise<void>

  /** A group's record; undefined when none was saved. The group's log is the inbox of its id. */
  loadGroup(group: GroupId): Promise<GroupRecord | undefined>
  saveGroup(group: GroupId, record: GroupRecord): Promise<void>
  /** Notes that the node of this term hands out copies of a group's messages: durable before the first of them is appended. */
  noteGroup(group: GroupId, term: number): Promise<void>
  /** Groups noted in earlier terms, whose copies may not all be with their members. */
  notedGroups(): Promise<readonly { readonly group: GroupId; readonly term: number }[]>
  forgetGroup(group: GroupId, term: number): Promise<void>

  /** When the user was last seen; undefined when never. */
  lastSeen(user: UserId): Promise<Millis | undefined>
  /** Replaces when users were last seen; many in one write, where the store can. */
  saveLastSeen(seen: ReadonlyMap<UserId, Millis>): Promise<void>

  /** What the user has set; undefined when nothing was. */
  settings(user: UserId): Promise<Settings | undefined>
  /** Replaces the user's settings; durable when it resolves. */
  saveSettings(user: UserId, settings: Settings): Promise<void>

  /** Users who may not connect, in any order. */
  bans(): Promise<readonly UserId[]>
  /** Bans a user, or lets them in again; durable when it resolves. */
  saveBan(user: UserId, banned: boolean): Promise<void>

  /**
   * Takes a name that nobody holds at `now`, until `until`, for a holder whose name no other process has or had. A new term comes
   * with it, or the same where this holder has it already. Answers who holds it after this call: where it is another, the call has failed.
   */
  takeLease(name: string, holder: string, now: Millis, until: Millis): Promise<Lease>
  /** Holds a lease until a later time. False: it ran out, or is held under another term. It is never shortened. */
  renewLease(name: string, lease: Lease, now: Millis, until: Millis): Promise<boolean>
  /** Gives a lease back, where it is still held under this term. */
  releaseLease(name: string, lease: Lease): Promise<void>

  /** What the node kept last of the time; undefined: nothing yet. */
  reckoning(): Promise<Reckoning | undefined>
  saveReckoning(reckoning: Reckoning): Promise<void>
  /** Tells, from here on, how far the clock of this machine is off: for a store that reads it, to tell what is left of the time of a row. */
  goBy?(clock: { readonly offMs: Millis }): void

  /**
   * Removes entries older than `now - retention` and dedupe keys older than the dedupe time, and makes `gone` of what `expires` at
   * `now` or before: a bounded slice a call; call again until it answers zeros. A store whose rows leave by themselves has nothing to do.
   */
  expire(now: Millis): Promise<Expired>

  /** Where messages with this id stand, within the dedupe time. For operators; may be slow. */
  trace(id: MessageId): Promise<readonly MessageTrace[]>

  /** Missing: the store keeps no lives, and cannot tell when it was put back from an earlier moment. */
  readonly lives?: Lives

  /** Whether the store can be written; the reason, in a sentence, where it cannot. */
  health(): Promise<{ readonly ok: true } | { readonly ok: false; readonly reason: string }>
}

/** The starts of nodes on this store. A copy that is put back knows none of those that came after it. */
export interface Lives {
  /** Notes that the node of this term, the highest so far, calls itself so: a random number, 1 to 2^31 - 1. Durable when it resolves. */
  begin(term: number, name: number): Promise<void>
  /** The term of the node that called itself so; undefined: there was none, or it was thousands of starts ago. */
  termOf(name: number): Promise<number | undefined>
  /** Gives a log another epoch. Durable when it resolves. */
  rename(user: UserId, epoch: number): Promise<void>
}

/** How long a store keeps things. */
export type Retention = {
  /** Milliseconds an entry stays in an inbox. Default 30 days. */
  readonly retentionMs: number
  /** Milliseconds a repeat of a send is recognised; at least 24 h. Default 25 h. */
  readonly dedupeMs: number
}

const hourMs = 3_600_000

/** With defaults. Throws a TypeError for an option that `of` has not, and a RangeError for times that cannot be. */
export function completeRetention(of: string, given: Partial<Retention>): Retention {
  checkOptions(of, given, { retentionMs: isAny, dedupeMs: isAny })
  const { retentionMs = 30 * 24 * hourMs, dedupeMs = 25 * hourMs } = given
  checkMs({ retentionMs })
  checkMs({ dedupeMs }, 24 * hourMs)
  return { retentionMs, dedupeMs }
}

/** Throws a RangeError unless each of these options is a whole number of milliseconds, and as many as `least`. */
export function checkMs(options: Record<string, unknown>, least: Millis = 1): void {
  for (const [name, ms] of Object.entries(options))
    if (!Number.isSafeInteger(ms) || Number(ms) < least)
      throw new RangeError(`${name} must be a whole number of milliseconds, at least ${least}`)
}

/** Why a store does not work. `code` for programs, the message for people. */
export class StoreError extends Error {
  readonly code: 'locked' | 'not_writable' | 'full' | 'version' | 'closed' | 'unavailable' | 'corrupt' | 'failed'
  constructor(code: StoreError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StoreError'
    this.code = code
  }
}
