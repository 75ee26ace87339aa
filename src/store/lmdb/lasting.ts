/**
 * Timers of the embedded store, and what an entry with a lifetime adds. Entries without cost nothing: they have no row in these
 * tables. A timer that starts rewrites the row of its entry; all that belongs to one entry changes in one transaction.
 */
import {
  chatOf,
  type Entry,
  goneOf,
  isOver,
  type Started,
  start,
  type Waiting,
  waitingOf,
  waitsFor,
} from '../../protocol/entry.ts'
import type { Millis, Seq, UserId } from '../../protocol/ids.ts'
import { rewrite } from './entries.ts'
import { type Packed, packRow } from './packed.ts'
import { lastId, lastSeq, type Tables } from './tables.ts'

/** Timers that one transaction starts or ends: a few milliseconds of the event loop. */
const slice = 500

/** Only who read a chat starts the timers of that chat alone. */
const chatKey = (is: Started['is'], chat: UserId): string => (is === 'read' ? chat : '')

/** What an entry that is appended adds to these tables. */
export function addLasting(tables: Tables, user: UserId, entry: Packed): void {
  const { seq, lasting } = entry
  if (!lasting) return
  const { waits, chat, expires, kept } = lasting
  if (waits) void tables.timers.put([user, waits, chatKey(waits, chat), seq], true)
  if (expires !== undefined) void tables.due.put([expires, user, seq], true)
  if (kept) void tables.history.put([user, chat, seq], packRow([entry]))
}

/** Takes entries that leave out of these tables. Their histories stay. */
export function removeTimers(tables: Tables, user: UserId, entries: readonly Entry[]): void {
  for (const entry of entries) {
    if (!('body' in entry) || entry.lifetime === undefined) continue
    const waits = waitsFor(user, entry)
    if (waits) void tables.timers.remove([user, waits, chatKey(waits, chatOf(entry)), entry.seq])
    if (entry.expires !== undefined) void tables.due.remove([entry.expires, user, entry.seq])
  }
}

/** The lowest seqs that wait; null after one look-up where none does. */
export function waiting(tables: Tables, user: UserId): Waiting | null {
  const [some] = tables.timers.getKeys({ start: [user, '', '', 0], end: [user, lastId, '', 0], limit: 1 })
  return some ? waitingOf((is) => lowest(tables, user, is)) : null
}

/** One look-up for each chat with an entry that waits to be read; one for the other kinds. */
export function lowest({ timers }: Tables, user: UserId, is: Started['is']): Seq {
  let found = 0
  for (let from = ['', 0] as [string, number]; ; ) {
    const [key] = timers.getKeys({ start: [user, is, ...from], end: [user, is, lastId, 0], limit: 1 })
    if (!key) return found
    const [, , chat, seq] = key
    found = found === 0 ? seq : Math.min(found, seq)
    from = [chat, lastSeq]
  }
}

/** Starts some timers; whether there may be more. `rows`: how many of so many may be changed at once. */
export function startTimers(
  tables: Tables,
  user: UserId,
  started: Started,
  now: Millis,
  rows: (most: number) => number,
): boolean {
  const { is, upTo } = started
  const limit = rows(slice)
  const chat = started.is === 'read' ? started.chat : ''
  const keys = [...tables.timers.getKeys({ start: [user, is, chat, 0], end: [user, is, chat, upTo + 1], limit })]
  for (const key of keys) void tables.timers.remove(key)
  const seqs = keys.map(([, , , seq]) => seq)
  rewrite(tables, user, seqs, (entry) => {
    const next = start(entry, is, now)
    if ('body' in next && next.expires !== undefined) void tables.due.put([next.expires, user, next.seq], true)
    return next
  })
  return keys.length === limit
}

/** Makes `gone` of entries whose timers have run out; answers how many. */
export function expireDue(tables: Tables, now: Millis, rows: (most: number) => number): number {
  const keys = [...tables.due.getKeys({ end: [now + 1, '', 0], limit: rows(slice) })]
  const seqs = new Map<UserId, Seq[]>()
  for (const key of keys) {
    const [, user, seq] = key
    void tables.due.remove(key)
    const known = seqs.get(user as UserId)
    if (known) known.push(seq)
    else seqs.set(user as UserId, [seq])
  }
  for (const [user, those] of seqs)
    rewrite(tables, user, those, (entry) => (isOver(entry, now) ? goneOf(entry) : entry))
  return keys.length
}
