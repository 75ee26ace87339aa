/** Public keys of users, for end-to-end encryption: the links of their chains, and what their devices have left for others. */
import type { UserId } from '../../protocol/ids.ts'

/**
 * What one device has left, under its identity key. `shelf` stays until it is replaced; `once` is what is given away piece by piece, and is
 * empty in a store that was put back from an earlier moment: nobody knows what of it was given since.
 */
export type ShelfRow = {
  /** Rises by one with each change, from 1. */
  readonly version: number
  readonly shelf: Uint8Array
  readonly once: Uint8Array
}

/** What belongs to nobody's actor: each change says what it was made of, and any node may make it. */
export interface KeyStore {
  /** The links of a user from number `from` (1 is the first) on, in order. Sees each that somebody was told is there. */
  links(user: UserId, from: number): Promise<readonly Uint8Array[]>
  /** Adds link `n`, which is durable when it resolves. False: there is one. After a rejection it may be there, or come later. */
  addLink(user: UserId, n: number, link: Uint8Array): Promise<boolean>

  /** What a device has left; undefined: nothing. `identity`: any text of up to 64 characters. */
  shelf(user: UserId, identity: string): Promise<ShelfRow | undefined>
  /** The identities of a user under which something was left. */
  shelves(user: UserId): Promise<readonly string[]>
  /**
   * Replaces it where its version is `row.version` - 1 (0: there is nothing). Durable when it resolves. False: it is another one. After a
   * rejection it may be there, or come later.
   */
  saveShelf(user: UserId, identity: string, row: ShelfRow): Promise<boolean>
  /** Takes it away, whatever its version is. Durable when it resolves; may be repeated. */
  dropShelf(user: UserId, identity: string): Promise<void>
}
