/** Logs: the inbox of a user, or what was sent to a group. */
import type { Carrier, Entry, Started, Waiting } from '../../protocol/entry.ts'
import type { ChatId, DeviceId, MessageId, Millis, Seq, UserId } from '../../protocol/ids.ts'
import type { Life } from './nodes.ts'

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

/** What marks a message as a repeat: who sent it, under which id. */
export type DedupeKey = { readonly sender: UserId; readonly id: MessageId }

/** What an earlier append of the same message was answered. */
export type Appended = { readonly seq: Seq; readonly time: Millis }

/** By chat, up to which entry of the inbox it is read. */
export type Reads = ReadonlyMap<ChatId, Seq>

/** A log has one writer and reader, its actor; so a store needs no locks per log. Its owner is a user, or a group. */
export interface LogStore {
  /**
   * The record of a log; undefined when nothing was ever appended or saved for it. Reads nothing but this log's. With the term of its
   * new owner, who is to serve it, a store that may lose what no owner has answered makes sure of what it says.
   */
  load(owner: ChatId, term?: number): Promise<InboxRecord | undefined>

  /**
   * Appends entries, dense from the tail, and the dedupe keys of its messages (the sender of a copy is the owner), in one atomic write.
   * Durable when it resolves. Its node makes one call at a time for each log, in seq order. After a rejection the outcome is unknown:
   * the caller repeats the same entries under the same seqs, which is harmless where they were written. The first append names the log:
   * its `epoch` counts, even where cursors were saved under another one before.
   */
  append(owner: ChatId, epoch: number, term: number, entries: readonly Entry[]): Promise<void>

  /**
   * Up to `limit` entries from `from` on, in seq order, as long as their bodies fit in `bytes` (the first always comes). Starts later
   * than `from` only where older entries have expired. What `expires` at `now` or before comes as `gone`.
   */
  read(owner: ChatId, from: Seq, limit: number, bytes: number, now: Millis): Promise<readonly Entry[]>

  /**
   * For each key, what its message was answered, if it was appended to this log within the dedupe time (at least 24 h) before
   * `now`, or later. Nothing above `upTo`, the tail that the owner knows: what a store has there was never answered.
   */
  findRepeats(
    owner: ChatId,
    keys: readonly DedupeKey[],
    now: Millis,
    upTo: Seq,
  ): Promise<readonly (Appended | undefined)[]>

  /**
   * Replaces the devices' cursors and the settled mark, and what was saved of each chat in `reads`, all in one atomic write; 0: nothing is
   * to be kept of it. Durable when it resolves; may be repeated after a rejection. Also for a log that has no entry yet.
   */
  saveCursors(
    owner: ChatId,
    epoch: number,
    cursors: readonly DeviceCursor[],
    settled: Seq,
    reads?: Reads | null,
  ): Promise<void>

  /**
   * What was saved of each chat; where that was 0 it says so, or nothing. It may lack what was saved before the retention time: all that
   * this covers has expired.
   */
  reads(owner: ChatId): Promise<Reads>

  /**
   * Starts timers of entries that wait for this; one that runs keeps its time, and what was `temporary` is `gone`. Durable when it
   * resolves; a crash before that leaves some waiting. Answers the lowest seq that still waits for that kind, 0 for none.
   * An entry waits from its append on, unless it has `expires` then: that timer runs.
   */
  startTimers(owner: ChatId, started: Started, now: Millis): Promise<Seq>
}

/**
 * A store that writes once a lap (src/runtime/turns.ts): what the turns of a lap append goes to the disk in one piece when they are over.
 * Where it is durable before the lap ends, what comes of it leaves with that lap.
 */
export interface LapStore {
  /**
   * As `append` of `LogStore`, without a promise: `done` is called once, with undefined when it is durable, else with why it may not be.
   * Never within this call.
   */
  append(owner: ChatId, epoch: number, term: number, entries: readonly Entry[], done: (failure: unknown) => void): void
  /** The turns of a lap are over: begins to write what was appended so. What is durable at once is `done` before this returns. */
  begin(): void
}

/** Where a message of a history stands: in the inbox, as it was appended. */
export type HistoryPosition = { readonly time: Millis; readonly seq: Seq }

/** Permanent chats, each as one of its users has it. */
export interface HistoryStore {
  /**
   * Messages and copies of `chat` that were appended as `permanent`, newest first: before the one that stood at `before`, or from the
   * newest. Up to `limit`, as long as their bodies fit in `bytes` (the first always comes). They have no retention time.
   */
  history(
    user: UserId,
    chat: ChatId,
    before: HistoryPosition | null,
    limit: number,
    bytes: number,
  ): Promise<readonly Carrier[]>

  /**
   * Makes `gone` of the messages and copies of `chat` in `from` to `upTo` of the inbox, and takes them out of the history. Durable when
   * it resolves; may be repeated, and must be after a rejection. Takes long where there is much, in bounded slices.
   */
  erase(user: UserId, chat: ChatId, from: Seq, upTo: Seq): Promise<void>
}

/** What is known of a message id, for operators. */
export type MessageTrace = {
  readonly recipient: ChatId
  readonly sender: UserId
  readonly seq: Seq
  readonly time: Millis
}

/** For operators who look for a message. */
export interface TraceStore {
  /** Where messages with this id stand, within the dedupe time. May be slow. */
  trace(id: MessageId): Promise<readonly MessageTrace[]>
}

/** What `expire` removed. */
export type Expired = { readonly entries: number; readonly dedupeKeys: number }

/** What goes when its time is over. */
export interface ExpiryStore {
  /**
   * Removes entries older than `now - retentionMs` and dedupe keys older than the dedupe time, and makes `gone` of what `expires` at
   * `now` or before. One bounded slice a call: call again until it answers zeros. A store whose rows leave by themselves has nothing to do.
   */
  expire(now: Millis): Promise<Expired>
}
