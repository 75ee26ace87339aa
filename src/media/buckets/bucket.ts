/** Where nodes of a cluster keep the bytes of media: a folder that all of them have, or an S3 service. */
import type { MediaId } from '../../protocol/media.ts'

/** Files are put there once, whole, under a name of their own, and never changed. */
export interface Bucket {
  /**
   * `known`: names of some files that were put there; where none of them is there, it is another place.
   * Rejects with a StoreError that says what to do.
   */
  open(known: readonly string[]): Promise<void>
  /** Puts the bytes of a file of this machine there, whose SHA-256 is `id`. Durable when it resolves; after a rejection it may be there. */
  put(name: string, path: string, id: MediaId): Promise<void>
  /** The bytes `first` to `last`, both included. Rejects where there is no such file. */
  read(name: string, first: number, last: number): AsyncIterable<Uint8Array>
  /** Removes a file that may be there. */
  remove(name: string): Promise<void>
}
