/** End-to-end encryption as the rest of the page knows it. */
import type { Book } from '../client/chats/index.ts'
import type { E2ee } from '../client/e2ee/types.ts'
import type { Client, Storage } from '../client/index.ts'

export interface Sealing {
  readonly e2ee: E2ee
  /** What is kept there is locked by a key that does not leave this browser. */
  locked(storage: Storage, name: string): Promise<Storage>
  /** Begins to show it. `settings` shows those. */
  begin(me: string, client: Client, book: Book, settings: () => void): void
  /** The chat that is open from now on. */
  open(chat: string | undefined): void
  /** Why a group of these others would not be encrypted, as sentences; empty: it would be, or nobody expects it. */
  notSealedWords(others: readonly string[]): Promise<string>
  /** Members of a group for whom nothing is encrypted there. */
  givenNothing(group: string): Promise<readonly string[]>
  /** What stands of it in the settings; `listed`: the devices of this person. */
  settings(listed: readonly string[]): Promise<HTMLElement[]>
  /** Takes a device from the person's, and its keys. */
  remove(device: string): Promise<void>
  /** What signing out costs, as a sentence; empty: nothing. */
  leavingWords(): Promise<string>
  /** This browser leaves the person's devices that have keys. */
  leave(): Promise<void>
}
