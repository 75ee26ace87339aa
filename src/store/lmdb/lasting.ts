/**
 * Timers and histories of the embedded store. Entries with neither cost nothing here: they have no row in these tables.
 * A timer that starts rewrites the row of its entry; all that belongs to one entry changes in one transaction.
 */
import type { Millis, Seq, UserId } from '../../protocol/ids.ts'
import type { Carrier, Entry, Past, Started, Waiting } from '../contract.ts'
import { chatOf, goneOf, isErased, isKept, isOver, start, waitingOf, waitsFor } from '../lasting.ts'
import { packRow, unpackRow } from './rows.ts'
import type { Tables } from './tables.ts'

/** Entries, or rows of entries, that one transaction changes: a few milliseconds of the event loop. */
const slice = 500
/** They sort after every seq, and after every id. */
const last = Number.MAX_SAFE_INTEGER
const end = '\u{10ffff}'

/** Only who read a chat starts the timers of that chat alone. */
const chatKey = (is: Started['is'], chat: UserId): string => (is === 'read' ? chat : '')

/** What an entry that is appended adds to these tables. */
export function addLasting(tables: Tables, user: UserId, entry: Carrier): void {
  const waits = waitsFor(user, entry)
  if (waits) void tables.timers.put([user, waits, chatKey(waits, chatOf(entry)), entry.seq], true)
  if (entry.expires !== undefined) void tables.due.put([entry.expires, user, entry.seq], true)
  if (isKept(user, entry)) void tables.history.put([user, chatOf(entry), entry.seq], packRow([entry]))
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
  const [some] = tables.timers.getKeys({ start: [user, '', '', 0], end: [user, end, '', 0], limit: 1 })
  return some ? waitingOf((is) => lowest(tables, user, is)) : null
}

/** One look-up for each chat with an entry that waits to be read; one for the other kinds. */
export function lowest({ timers }: Tables, user: UserId, is: Started['is']): Seq {
  let found = 0
  for (let from = ['', 0] as [string, number]; ; ) {
    const [key] = timers.getKeys({ start: [user, is, ...from], end: [user, is, end, 0], limit: 1 })
    if (!key) return found
    const [, , chat, seq] = key
    found = found === 0 ? seq : Math.min(found, seq)
    from = [chat, last]
  }
}

/** Starts some timers; whether there may be more. */
export function startTimers(tables: Tables, user: UserId, started: Started, now: Millis): boolean {
  const { is, upTo } = started
  const chat = started.is === 'read' ? started.chat : ''
  const keys = [...tables.timers.getKeys({ start: [user, is, chat, 0], end: [user, is, chat, upTo + 1], limit: slice })]
  for (const key of keys) void tables.timers.remove(key)
  const seqs = keys.map(([, , , seq]) => seq)
  rewrite(tables, user, seqs, (entry) => {
    const next = start(entry, is, now)
    if ('body' in next && next.expires !== undefined) void tables.due.put([next.expires, user, next.seq], true)
    return next
  })
  return keys.length === slice
}

/** Makes `gone` of entries whose timers have run out; answers how many. */
export function expireDue(tables: Tables, now: Millis): number {
  const keys = [...tables.due.getKeys({ end: [now + 1, '', 0], limit: slice })]
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

/** What `erase` has to take in a slice of rows, and where the next slice begins; null: this was the last. */
export type Erased = { readonly seqs: readonly Seq[]; readonly next: Seq | null }

export function findErased({ entries }: Tables, user: UserId, chat: UserId, from: Seq, upTo: Seq): Erased {
  const seqs: Seq[] = []
  const rows = entries.getRange({ start: rowOf(entries, user, from), end: [user, after(upTo)], limit: slice + 1 })
  let count = 0
  for (const { key, value } of rows) {
    if (count++ === slice) return { seqs, next: key[1] }
    for (const entry of unpackRow(value)) if (isErased(entry, chat, from, upTo)) seqs.push(entry.seq)
  }
  return { seqs, next: null }
}

/** Makes `gone` of messages and copies, which may have left since they were found. */
export function eraseEntries(tables: Tables, user: UserId, seqs: readonly Seq[]): void {
  rewrite(tables, user, seqs, (entry) => {
    removeTimers(tables, user, [entry])
    return goneOf(entry)
  })
}

/** Takes some messages out of a history; whether there may be more. */
export function eraseHistory({ history }: Tables, user: UserId, chat: UserId, from: Seq, upTo: Seq): boolean {
  const keys = [...history.getKeys({ start: [user, chat, from], end: [user, chat, after(upTo)], limit: slice })]
  for (const key of keys) void history.remove(key)
  return keys.length === slice
}

/** `time` never falls along an inbox: to be in order of seqs is to be in order of time. */
export function readHistory(
  { history }: Tables,
  user: UserId,
  chat: UserId,
  before: Past | null,
  limit: number,
  bytes: number,
): Carrier[] {
  const page: Carrier[] = []
  let size = 0
  const start = [user, chat, before ? before.seq - 1 : last] as [string, string, number]
  for (const { value } of history.getRange({ start, end: [user, chat, 0], limit, reverse: true })) {
    const [entry] = unpackRow(value) as [Carrier]
    size += entry.body.length
    if (size > bytes && page.length > 0) break
    page.push(entry)
  }
  return page
}

/** What the histories of a user keep, chat by chat. */
export function* everPermanent({ history }: Tables, user: UserId): Generator<Carrier> {
  for (const { value } of history.getRange({ start: [user, '', 0], end: [user, end, 0] }))
    for (const entry of unpackRow(value)) yield entry as Carrier
}

const after = (upTo: Seq): Seq => Math.min(upTo, last - 1) + 1

/** The key of the row that holds an entry: it starts there or before. */
function rowOf(entries: Tables['entries'], user: UserId, seq: Seq): [string, number] {
  const [key = [user, seq]] = entries.getKeys({ start: [user, seq], end: [user, 0], limit: 1, reverse: true })
  return key as [string, number]
}

/** Changes messages and copies where they stand. */
function rewrite({ entries }: Tables, user: UserId, seqs: readonly Seq[], change: (entry: Carrier) => Entry): void {
  const rows = new Map(seqs.map((seq) => rowOf(entries, user, seq)).map((key) => [key[1], key]))
  const changed = new Set(seqs)
  for (const key of rows.values()) {
    const row = entries.get(key)
    if (!row) continue
    const next = unpackRow(row).map((entry) => (changed.has(entry.seq) && 'body' in entry ? change(entry) : entry))
    void entries.put(key, packRow(next))
  }
}
