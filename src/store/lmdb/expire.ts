/** What leaves by time: entries and marks of repeats that are too old, and what timers have run out of. */
import type { Millis, UserId } from '../../protocol/ids.ts'
import type { Expired } from '../contract.ts'
import type { Retention } from '../retention.ts'
import { expireDue, removeTimers } from './lasting.ts'
import { unpackRow } from './packed.ts'
import { expireRepeats } from './repeats.ts'
import { unlessDamaged } from './table.ts'
import { dayOf, lastSeq, type Tables } from './tables.ts'

/** Rows removed by one call of `expire`: a few milliseconds of the event loop. */
const most = 2_000

/** `rows`: how many of so many may be removed at once. */
export function expire(
  tables: Tables,
  { retentionMs, dedupeMs }: Retention,
  now: Millis,
  rows: (most: number) => number,
): Expired {
  const slice = rows(most)
  const dedupeKeys = expireRepeats(tables, now - dedupeMs, slice)
  let entries = expireDue(tables, now, rows)
  for (const [day, user] of tables.days.getKeys({ end: [dayOf(now - retentionMs), ''] })) {
    if (entries >= slice) break
    entries += unlessDamaged(() => expireDay(tables, day, user as UserId, slice - entries)) ?? 0
  }
  return { entries, dedupeKeys }
}

/** The rows of an inbox up to the first that is damaged, of which nobody knows when it was written: it stays, and what is behind it. */
function* rowsOf({ entries }: Tables, user: UserId) {
  for (const row of entries.getRange({ start: [user, 0], end: [user, lastSeq] })) {
    const found = unlessDamaged(() => unpackRow(row.value))
    if (!found) return
    yield { key: row.key, entries: found }
  }
}

/** Removes one user's entries up to a day that is over, about `room` of them; the mark of the day goes with the last. */
function expireDay(tables: Tables, day: number, user: UserId, room: number): number {
  const log = tables.logs.get(user)
  let removed = 0
  let head = log?.head ?? 1
  let done = true
  for (const { key, entries: row } of rowsOf(tables, user)) {
    if (dayOf(row[0]?.time ?? 0) > day) break
    if (removed >= room) {
      done = false
      break
    }
    void tables.entries.remove(key)
    removeTimers(tables, user, row)
    removed += row.length
    head = key[1] + row.length
  }
  if (log && head > log.head) void tables.logs.put(user, { ...log, head })
  if (done) void tables.days.remove([day, user])
  return Math.max(removed, 1)
}
