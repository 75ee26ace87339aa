/** Records of media that several nodes share: which content is there, and who holds it until when. */
import type { Millis } from '../../protocol/ids.ts'
import type { MediaId } from '../../protocol/media.ts'

/** Content that is complete. */
export type MediaRow = {
  readonly id: MediaId
  /** What its bytes are called where they are kept: another name each time they are put there. */
  readonly file: string
  readonly size: number
  readonly type: string
  readonly uploadedAt: Millis
  /** Whoever looks whether it is still held, by a name used once; null: nobody does. */
  readonly going: string | null
}

/**
 * Whoever holds content first writes so, and then looks whether it is there and not going. Whoever removes it first marks it as going, and
 * then looks whether it is held. So one of them sees the other. Reads see what was durable before them; each change of a row is a
 * compare-and-set, and after a rejection its outcome is unknown.
 */
export interface MediaRecords {
  find(id: MediaId): Promise<MediaRow | undefined>
  /** False: there is a row of that content already. */
  add(row: MediaRow): Promise<boolean>
  /** Sets `going`. False: the row is not as this one any more. */
  mark(row: MediaRow, going: string | null): Promise<boolean>
  /** False: the row is not as this one any more. */
  remove(row: MediaRow): Promise<boolean>
  /** Some hundred rows; `next`: where to go on, undefined after the last. */
  page(from: string | undefined): Promise<{ readonly rows: readonly MediaRow[]; readonly next: string | undefined }>

  /** Notes that each of them holds the content until then, or as long as they said before. Durable when it resolves. */
  hold(id: MediaId, holders: readonly string[], until: Millis): Promise<void>
  /** Until when it is held the longest; 0: it is not. Who held it until a time in the past may be forgotten. */
  heldUntil(id: MediaId): Promise<Millis>
  /** What those hold whose names start with `prefix`. */
  held(prefix: string): AsyncIterable<{ readonly holder: string; readonly id: MediaId }>
  /**
   * They hold it no longer, of this content or of all; only what was read before `still` is dropped, and what they hold anew stays. Tells
   * which content that was; some may come twice.
   */
  release(
    prefix: string,
    id: MediaId | undefined,
    still: () => Promise<void> | undefined,
  ): AsyncIterable<readonly MediaId[]>

  /** Notes, before it is there, a file that no row names yet, or soon none will. */
  noteLitter(file: string, id: MediaId): Promise<void>
  forgetLitter(file: string): Promise<void>
  /** At most some hundreds of them. */
  litter(): Promise<readonly { readonly file: string; readonly id: MediaId }[]>
}

/** A store that keeps records of media beside messages. */
export interface MediaRecordStore {
  /** While the store is open. Missing: media has a store of its own. */
  readonly media?: MediaRecords
}

/**
 * Holders are named `kind\nuser\n…`. What one user has of a kind is found in one place; a shorter prefix is looked for in all.
 * Undefined: it is a shorter one.
 */
export const placeOf = (holder: string): string | undefined => /^[^\n]*\n[^\n]*\n/.exec(holder)?.[0]
