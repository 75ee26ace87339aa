/** The inboxes in the tables by user, and what the journal has of them beside (`fresh`). */
import { type Entry, goneOf, isOver } from '../../protocol/entry.ts'
import type { Millis, Seq, UserId } from '../../protocol/ids.ts'
import type { InboxRecord, Life } from '../contract.ts'
import { began } from '../lives.ts'
import { entriesFrom } from './entries.ts'
import { addLasting, waiting } from './lasting.ts'
import { type Packed, packRow, rowsOf, unpackRow } from './packed.ts'
import { putRepeats } from './repeats.ts'
import { packCursors, unpackCursors } from './rows.ts'
import { dayOf, type Log, lastSeq, type Tables } from './tables.ts'

/** What one user has in the journal, in seq order. */
export type Fresh = { readonly epoch: number; readonly entries: Packed[]; lives: readonly Life[] }

/** Puts entries that follow the tail of the inbox, and are what the journal has first of it. */
export function putEntries(tables: Tables, user: UserId, fresh: Fresh, entries: readonly Packed[]): void {
  const last = entries.at(-1)
  if (!last) return
  const log = tables.logs.get(user) ?? { epoch: fresh.epoch, tail: 0, head: 1, lastTime: 0 }
  let marked = dayOf(log.lastTime)
  for (const row of rowsOf(entries, dayOf)) {
    const [first] = row
    if (!first) continue
    void tables.entries.put([user, first.seq], packRow(row))
    if (dayOf(first.time) !== marked) void tables.days.put([dayOf(first.time), user], true)
    marked = dayOf(first.time)
  }
  putRepeats(tables, user, entries)
  for (const entry of entries) addLasting(tables, user, entry)
  const lives = livesOf(log, { lives: fresh.lives.filter(({ from }) => from <= last.seq) })
  const flat = lives.flatMap(({ term, from }) => [term, from])
  void tables.logs.put(user, { ...log, tail: last.seq, lastTime: last.time, lives: flat })
}

/** Those that the table knows of, and those of what the journal has. */
function livesOf(log: { readonly lives?: readonly number[] } | undefined, fresh: Pick<Fresh, 'lives'> | undefined) {
  const numbers = log?.lives ?? []
  const moved = numbers.flatMap((term, at) => (at % 2 === 0 ? { term, from: numbers[at + 1] as Seq } : []))
  return (fresh?.lives ?? []).reduce(began, moved as readonly Life[])
}

/** The log is in the table, or empty: the journal has nothing of it. What is repeated changes nothing. */
export function renameInbox(tables: Tables, user: UserId, epoch: number): void {
  const log = tables.logs.get(user)
  if (log?.epoch === epoch) return
  if (log) return void tables.logs.put(user, { ...log, epoch, was: log.epoch })
  const row = tables.cursors.get(user)
  if (row) void tables.cursors.put(user, packCursors({ ...unpackCursors(row), epoch }))
}

/** Throws where there are entries, and no log: the key of its row is damaged. */
function logOf({ logs, entries }: Tables, user: UserId): Log | undefined {
  const log = logs.get(user)
  const [lost] = log ? [] : entries.getKeys({ start: [user, 0], end: [user, lastSeq], limit: 1 })
  if (lost) throw logs.damaged(user)
  return log
}

/** What waits for its timer is in the tables: where the journal has such entries, they were moved before. */
export function loadInbox(tables: Tables, fresh: Fresh | undefined, user: UserId): InboxRecord | undefined {
  const log = logOf(tables, user)
  const row = tables.cursors.get(user)
  const saved = row && unpackCursors(row)
  if (!log && !fresh && !saved) return undefined
  const last = fresh?.entries.at(-1)
  return {
    epoch: log?.epoch ?? fresh?.epoch ?? saved?.epoch ?? 0,
    head: log?.head ?? 1,
    tail: last?.seq ?? log?.tail ?? 0,
    lastTime: last?.time ?? log?.lastTime ?? 0,
    cursors: saved?.cursors ?? [],
    settled: saved?.settled ?? 0,
    waiting: waiting(tables, user),
    lives: livesOf(log, fresh),
    was: log?.was ?? 0,
  }
}

/** Up to `limit` entries, as long as their bodies fit `bytes`, the first in any case. Throws where one is missing. */
export function readInbox(
  tables: Tables,
  fresh: Fresh | undefined,
  user: UserId,
  from: Seq,
  limit: number,
  bytes: number,
  now: Millis,
): readonly Entry[] {
  const found: Entry[] = []
  const log = tables.logs.get(user)
  const tail = fresh?.entries.at(-1)?.seq ?? log?.tail ?? 0
  let next = Math.max(from, log?.head ?? 1)
  let size = 0
  for (const stored of both(entriesFrom(tables, user, from), fresh?.entries ?? [], from)) {
    const entry = isOver(stored, now) ? goneOf(stored) : stored
    size += 'body' in entry ? entry.body.length : 0
    if (entry.seq !== next) throw tables.entries.damaged([user, next])
    if (found.length === limit || (size > bytes && found.length > 0)) return found
    found.push(entry)
    next += 1
    if (next > tail) break
  }
  if (next <= tail) throw tables.entries.damaged([user, next])
  return found
}

/** Entries of the tables, and then those that only the journal has. */
function* both(moved: Iterable<Entry>, fresh: readonly Packed[], from: Seq): Generator<Entry> {
  let next = from
  for (const entry of moved) {
    yield entry
    next = entry.seq + 1
  }
  for (const entry of fresh) if (entry.seq >= next) yield* unpackRow(packRow([entry]))
}
