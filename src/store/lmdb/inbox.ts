/** The inboxes in the tables by user. */
import type { Seq, UserId } from '../../protocol/ids.ts'
import type { Entry } from '../contract.ts'
import { addLasting, removeTimers } from './lasting.ts'
import { putRepeats } from './repeats.ts'
import { packRow, pieces, unpackRow } from './rows.ts'
import { dayOf, lastSeq, type Tables } from './tables.ts'

/** Puts entries that follow the tail of the inbox. */
export function putEntries(tables: Tables, user: UserId, epoch: number, entries: readonly Entry[]): void {
  const last = entries.at(-1)
  if (!last) return
  const log = tables.logs.get(user) ?? { head: 1, lastTime: 0 }
  let marked = dayOf(log.lastTime)
  for (const row of pieces(entries, ({ time }) => dayOf(time))) {
    const [first] = row
    if (!first) continue
    void tables.entries.put([user, first.seq], packRow(row))
    if (dayOf(first.time) !== marked) void tables.days.put([dayOf(first.time), user], true)
    marked = dayOf(first.time)
  }
  putRepeats(tables, user, entries)
  for (const entry of entries) if ('body' in entry && entry.lifetime !== undefined) addLasting(tables, user, entry)
  void tables.logs.put(user, { epoch, tail: last.seq, lastTime: last.time, head: log.head })
}

/** The entries from `from` on. */
export function* entriesFrom({ entries }: Tables, user: UserId, from: Seq): Generator<Entry> {
  // The row that holds `from` starts at it or before.
  const [first = [user, from]] = entries.getKeys({ start: [user, from], end: [user, 0], limit: 1, reverse: true })
  for (const { value } of entries.getRange({ start: first, end: [user, lastSeq] }))
    for (const entry of unpackRow(value)) if (entry.seq >= from) yield entry
}

/** Removes one user's entries up to a day that is over, about `room` of them; the mark of the day goes with the last. */
export function expireDay(tables: Tables, day: number, user: string, room: number): number {
  const log = tables.logs.get(user)
  let removed = 0
  let head = log?.head ?? 1
  let done = true
  for (const { key, value } of tables.entries.getRange({ start: [user, 0], end: [user, lastSeq] })) {
    const row = unpackRow(value)
    if (dayOf(row[0]?.time ?? 0) > day) break
    if (removed >= room) {
      done = false
      break
    }
    void tables.entries.remove(key)
    removeTimers(tables, user as UserId, row)
    removed += row.length
    head = key[1] + row.length
  }
  if (log && head > log.head) void tables.logs.put(user, { ...log, head })
  if (done) void tables.days.remove([day, user])
  return Math.max(removed, 1)
}
