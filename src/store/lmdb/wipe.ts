/** Takes away what is kept of a user, slice by slice. Between any two of them the inbox is one of which the first entries have expired. */
import type { Entry } from '../../protocol/entry.ts'
import type { UserId } from '../../protocol/ids.ts'
import type { Commits } from './commits.ts'
import { removeTimers } from './lasting.ts'
import { unpackRow } from './packed.ts'
import { packCursors } from './rows.ts'
import { type Row, unlessDamaged } from './table.ts'
import { dayOf, lastId, lastSeq, type Tables } from './tables.ts'

/** Rows that one transaction removes: a few milliseconds of the event loop. */
const most = 500

/** The entries are in the tables by user: the journal has none of them. */
export async function wipe({ commits }: { readonly commits: Commits<Tables> }, user: UserId): Promise<void> {
  await commits.change((tables) => wipeRecord(tables, user), { frees: true })
  for (const some of [wipeEntries, wipeHistory, wipeReads]) {
    const next = (tables: Tables) => some(tables, user, commits.room.rows(most))
    for (let more = true; more; ) more = await commits.change(next, { frees: true })
  }
}

/** What there are few of. All that is in the inbox counts as told to its senders. */
function wipeRecord(tables: Tables, user: UserId): void {
  const { logs, cursors, seen, preferences, aside, links, shelves } = tables
  const log = logs.get(user)
  if (log) void cursors.put(user, packCursors({ epoch: log.epoch, settled: log.tail, cursors: [] }))
  else void cursors.remove(user)
  for (const table of [seen, preferences, aside]) void table.remove(user)
  for (const key of [...links.getKeys({ start: [user, 0], end: [user, lastSeq] })]) void links.remove(key)
  for (const key of [...shelves.getKeys({ start: [user, ''], end: [user, lastId] })]) void shelves.remove(key)
}

/** The oldest of the inbox, also where they are damaged; whether there may be more. */
function wipeEntries(tables: Tables, user: UserId, slice: number): boolean {
  const { entries, logs, days } = tables
  const log = logs.get(user)
  const rows = [...entries.getRange({ start: [user, 0], end: [user, lastSeq], limit: slice + 1 })]
  for (const row of rows.slice(0, slice)) {
    void entries.remove(row.key)
    const held = entriesOf(row)
    removeTimers(tables, user, held)
    for (const { time } of held) void days.remove([dayOf(time), user])
  }
  if (log) void logs.put(user, { ...log, head: rows[slice]?.key[1] ?? log.tail + 1 })
  return rows.length > slice
}

const entriesOf = (row: Row<Uint8Array, [string, number]>): readonly Entry[] =>
  unlessDamaged(() => unpackRow(row.value)) ?? []

function wipeHistory({ history }: Tables, user: UserId, slice: number): boolean {
  const keys = [...history.getKeys({ start: [user, '', 0], end: [user, lastId, 0], limit: slice })]
  for (const key of keys) void history.remove(key)
  return keys.length === slice
}

function wipeReads({ reads }: Tables, user: UserId, slice: number): boolean {
  const keys = [...reads.getKeys({ start: [user, ''], end: [user, lastId], limit: slice })]
  for (const key of keys) void reads.remove(key)
  return keys.length === slice
}
