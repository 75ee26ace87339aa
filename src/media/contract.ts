/**
 * What a media store must do: keep content under its SHA-256, once, as long as something refers to it. The seam is made for
 * object stores too: content is written from front to back and never changed, and read by range.
 */
import type { Millis, UserId } from '../protocol/ids.ts'
import type { MediaId } from '../protocol/media.ts'
import type { StoreEvents } from '../store/contract.ts'

/** What is known of content that is complete. `type` comes from its first bytes, so the same content has one type, whoever uploads it. */
export type Medium = {
  readonly id: MediaId
  readonly size: number
  readonly type: string
  readonly uploadedAt: Millis
}

/** For references that only `release` ends. */
export const untilReleased: Millis = Number.MAX_SAFE_INTEGER

export interface MediaStore {
  /** Milliseconds that a message keeps its media, where nothing else is said. */
  readonly retentionMs: Millis
  /** Missing: what is in it one node alone has, so that nodes of a cluster cannot use it. */
  readonly isShared?: true
  /** Opens folders or connections. Rejects with a StoreError that says what to do. */
  open(events?: StoreEvents): Promise<void>
  close(): Promise<void>

  find(id: MediaId): Promise<Medium | undefined>
  /** The bytes `first` to `last`, both included. Rejects where there is no such content. */
  read(id: MediaId, first: number, last: number): AsyncIterable<Uint8Array>

  /**
   * Starts an upload, or goes on with the one that this user began for `announced` and did not end. Without `announced` it cannot
   * be gone on with. One at a time for each user and id: the caller sees to that.
   */
  begin(user: UserId, announced: MediaId | null): Promise<Upload>
  /** Bytes that are kept of an upload which this user began and did not end. */
  begun(user: UserId, id: MediaId): Promise<number>

  /**
   * Keeps the content until then for each holder, who may hold it already: the later time counts. Durable when it resolves.
   * Undefined: there is no such content.
   */
  refer(id: MediaId, holders: readonly string[], until: Millis): Promise<Medium | undefined>
  /**
   * Drops every reference whose holder starts with `prefix`, of this content or of all. What nobody else refers to is gone when it resolves.
   * `still` is asked between what is read and what is dropped of that, and nothing else is; where it rejects so does this.
   */
  release(prefix: string, id?: MediaId, still?: () => Promise<void> | undefined): Promise<void>
  /** The references whose holder starts with `prefix`; one that comes or goes meanwhile may be left out. */
  held(prefix: string): AsyncIterable<{ readonly holder: string; readonly id: MediaId }>
  /** Drops what a user has begun to upload and did not end, on this machine. One that is under way ends without content, or fails. */
  abandon(user: UserId): Promise<void>
  /**
   * Removes content whose last reference ended, and uploads that nobody goes on with; answers how many. A bounded slice a call: call again until
   * it answers 0. `onlyHere`: another node removes content, and this one what is on its machine alone.
   */
  collect(now: Millis, onlyHere?: boolean): Promise<number>
}

/** One upload. Nobody sees its content before `finish`. */
export interface Upload {
  /** Bytes written so far, also by earlier calls of `begin`. */
  readonly size: number
  /** Resolves when the bytes are written, not yet when they are durable. */
  write(bytes: Uint8Array): Promise<void>
  /** Forgets what was written. */
  restart(): Promise<void>
  /** Ends for now; what is written stays for someone who goes on with it within a day. */
  pause(): Promise<void>
  /** The content is complete: durable when it resolves, with its first reference. Undefined: its hash is not the announced one, and it was dropped. */
  finish(holder: string, until: Millis): Promise<Medium | undefined>
  /** Ends for good: nothing stays. */
  drop(): Promise<void>
}
