/** Rows of entries: finding an entry in them, and changing it. */
import type { Carrier, Entry } from '../../protocol/entry.ts'
import type { Seq, UserId } from '../../protocol/ids.ts'
import { packEntry, packRow, unpackRow } from './packed.ts'
import { unlessDamaged } from './table.ts'
import { lastSeq, type Tables } from './tables.ts'

/** The key of the row that holds an entry: it starts there or before. */
export function rowOf(entries: Tables['entries'], user: UserId, seq: Seq): [string, number] {
  const [key = [user, seq]] = entries.getKeys({ start: [user, seq], end: [user, 0], limit: 1, reverse: true })
  return key as [string, number]
}

/** Changes messages and copies where they stand; not in rows that are damaged. */
export function rewrite(
  { entries }: Tables,
  user: UserId,
  seqs: readonly Seq[],
  change: (entry: Carrier) => Entry,
): void {
  const rows = new Map(seqs.map((seq) => rowOf(entries, user, seq)).map((key) => [key[1], key]))
  const changed = new Set(seqs)
  for (const key of rows.values()) {
    const row = unlessDamaged(() => entries.get(key))
    if (!row) continue
    const next = unpackRow(row).map((entry) => (changed.has(entry.seq) && 'body' in entry ? change(entry) : entry))
    void entries.put(key, packRow(next.map((entry) => packEntry(user, entry))))
  }
}

/**
 * The entries from `from` on. Most that are read stand in one row, and whoever has all it wants asks for no more: the range behind it is
 * begun where somebody does, since to begin one costs as much as to read a row.
 */
export function* entriesFrom({ entries }: Tables, user: UserId, from: Seq): Generator<Entry> {
  let next: Seq = from
  for (const { key, value } of entries.getRange({ start: [user, from], end: [user, 0], limit: 1, reverse: true })) {
    for (const entry of unpackRow(value)) if (entry.seq >= from) yield entry
    next = Number(key[1]) + 1
  }
  for (const { value } of entries.getRange({ start: [user, next], end: [user, lastSeq] }))
    for (const entry of unpackRow(value)) if (entry.seq >= from) yield entry
}
