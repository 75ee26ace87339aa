/** Public keys in the embedded store: what is compared and set is so inside a transaction, in which no other process writes. */
import type { UserId } from '../../protocol/ids.ts'
import type { ShelfRow } from '../contract.ts'
import { lastId, lastSeq, type Tables } from './tables.ts'

export const linksOf = ({ links }: Tables, user: UserId, from: number): Uint8Array[] =>
  [...links.getRange({ start: [user, from], end: [user, lastSeq] })].map(({ value }) => bytesOf(value))

export function addLink({ links }: Tables, user: UserId, n: number, link: Uint8Array): boolean {
  if (links.doesExist([user, n])) return false
  void links.put([user, n], link)
  return true
}

export function shelfOf({ shelves }: Tables, user: UserId, identity: string): ShelfRow | undefined {
  const row = shelves.get([user, identity])
  return row && { version: row[0], shelf: bytesOf(row[1]), once: bytesOf(row[2]) }
}

export const shelvesOf = ({ shelves }: Tables, user: UserId): string[] =>
  [...shelves.getKeys({ start: [user, ''], end: [user, lastId] })].map(([, identity]) => identity)

export function saveShelf(tables: Tables, user: UserId, identity: string, row: ShelfRow): boolean {
  const { version, shelf, once } = row
  if ((tables.shelves.get([user, identity])?.[0] ?? 0) !== version - 1) return false
  void tables.shelves.put([user, identity], [version, shelf, once])
  return true
}

export function dropShelf({ shelves }: Tables, user: UserId, identity: string): void {
  void shelves.remove([user, identity])
}

/** Of a store that is put back from an earlier moment: what could be given again. */
export function dropOnce({ shelves }: Tables): void {
  for (const { key, value } of shelves.getRange({})) {
    const [version, shelf, once] = value
    if (once.length > 0) void shelves.put(key, [version + 1, shelf, new Uint8Array(0)])
  }
}

/** Not the Buffer that the coding makes. */
const bytesOf = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes)
