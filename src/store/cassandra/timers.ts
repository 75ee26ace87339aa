/**
 * Timers of entries: which wait for their start, and starting them. A timer that runs is a part of its entry: what the entry
 * says fades by TTL, and nobody has to look for what is due.
 */
import type { types } from 'cassandra-driver'
import {
  type Carrier,
  chatOf,
  type Entry,
  type Started,
  start,
  startOf,
  starts,
  type Waiting,
  waitingOf,
  waitsFor,
} from '../../protocol/entry.ts'
import type { Millis, Seq, UserId } from '../../protocol/ids.ts'
import type { Lifetime } from '../../protocol/lifetime.ts'
import { bucketOf } from './log.ts'
import type { Requests, Row, Statement } from './requests.ts'
import {
  blank,
  cellsOf,
  entryColumns,
  entryOf,
  expiryOf,
  isWhole,
  leftOf,
  long,
  number,
  writeEntry,
  written,
} from './rows.ts'

/** The partition is that of the inbox's record and of its first bucket. */
const timerInsert =
  'INSERT INTO timers (user, shelf, waits, chat, seq) VALUES (?, 0, ?, ?, ?) USING TTL ? AND TIMESTAMP ?'
const waitingQuery = 'SELECT seq FROM timers WHERE user = ? AND shelf = 0 AND waits = ? AND chat = ? AND seq <= ?'
const nextQuery = 'SELECT waits, chat, seq FROM timers WHERE user = ? AND shelf = 0 AND (waits, chat) > (?, ?)'
/** One for each call that starts any, of all that it started: the newest takes the place of those before it. */
const startedDelete =
  'DELETE FROM timers USING TIMESTAMP ? WHERE user = ? AND shelf = 0 AND waits = ? AND chat = ? AND seq <= ?'
const timersDelete =
  'DELETE FROM timers USING TIMESTAMP ? WHERE user = ? AND shelf = 0 AND waits = ? AND chat = ? AND seq IN ?'
const entriesQuery = `SELECT seq, term, ${entryColumns}, ${written}
  FROM inbox_entries WHERE user = ? AND bucket = ? AND seq IN ?`

/** The column `waits`. */
const codes = { temporary: 0, delivered: 1, read: 2 } as const
/** In place of a chat, for what waits until the entries of all chats are acknowledged. */
const everyChat = '*'
/** Rows that are looked at, and entries that are read and written, at a time: at the default limit of bodies 2 MB. */
const atOnce = 64

const chatCell = (is: Started['is'], chat: UserId): string => (is === 'read' ? chat : everyChat)

/** Notes an entry that waits, if it does, for `ttl` seconds. */
export function noted(user: UserId, entry: Entry, ttl: number, stamp: types.Long): Statement[] {
  const is = waitsFor(user, entry)
  if (!is || ttl <= 0) return []
  const chat = chatCell(is, chatOf(entry as Carrier))
  return [{ query: timerInsert, params: [user, codes[is], chat, long(entry.seq), ttl, stamp] }]
}

/** The lowest seqs that wait. Usually one read, of a few rows. */
export async function waiting(requests: Requests, user: UserId): Promise<Waiting | null> {
  const lowest = await lowestOf(requests, user, codes.temporary, codes.read)
  return waitingOf((is) => lowest[codes[is]] ?? 0)
}

/** By code. A page of a chat with many rows is followed by the next chat: only the first row of each counts. */
async function lowestOf(requests: Requests, user: UserId, first: number, last: number): Promise<readonly Seq[]> {
  const lowest: Seq[] = []
  let [waits, chat] = [first, '']
  for (;;) {
    const page = await requests.page(nextQuery, [user, waits, chat], atOnce)
    for (const row of page.rows) {
      waits = row['waits']
      chat = row['chat']
      if (waits > last) return lowest
      lowest[waits] = Math.min(seqOf(row), lowest[waits] ?? Number.MAX_SAFE_INTEGER)
    }
    if (page.next === undefined) return lowest
  }
}

/** Entries that wait no more, since they were erased. */
export function forget(
  user: UserId,
  chat: UserId,
  erased: readonly { readonly row: Row; readonly lifetime: Lifetime }[],
  stamp: types.Long,
): Statement[] {
  const seqs = new Map<Started['is'], Row[]>()
  for (const { row, lifetime } of erased) {
    const is = startOf(user, lifetime)
    if (is) seqs.set(is, [...(seqs.get(is) ?? []), row['seq']])
  }
  return [...seqs].map(([is, of]) => ({
    query: timersDelete,
    params: [stamp, user, codes[is], chatCell(is, chat), of],
  }))
}

/**
 * Answers the lowest seq that still waits for that kind. Usually two reads and one mutation; behind the first bucket of an
 * inbox one more.
 */
export async function startTimers(requests: Requests, user: UserId, started: Started, now: Millis): Promise<Seq> {
  const waits = codes[started.is]
  const key = [user, waits, started.is === 'read' ? started.chat : everyChat, long(started.upTo)]
  const removal = { query: startedDelete, params: [requests.stamps.ordered(), ...key] }
  const begin = (seqs: readonly Seq[], last?: Statement) => startSlice(requests, { user, started, now }, seqs, last)

  const look = await requests.page(nextQuery, [user, waits, ''], atOnce)
  const rows = look.rows.filter((row) => row['waits'] === waits)
  const isAll = look.next === undefined || rows.length < look.rows.length
  if (isAll) {
    const isDue = (row: Row) => row['chat'] === key[2] && number(row['seq']) <= started.upTo
    const due = rows.filter(isDue).map(seqOf)
    if (due.length > 0) await begin(due, removal)
    const left = rows.filter((row) => !isDue(row)).map(seqOf)
    return left.length > 0 ? Math.min(...left) : 0
  }
  let state: string | undefined
  let any = false
  do {
    const page = await requests.page(waitingQuery, key, atOnce, state)
    await begin(page.rows.map(seqOf))
    any ||= page.rows.length > 0
    state = page.next
  } while (state !== undefined)
  if (any) await requests.write([removal])
  return (await lowestOf(requests, user, waits, waits))[waits] ?? 0
}

type Start = {
  readonly user: UserId
  readonly started: Started
  readonly now: Millis
}

/** Entries of a slice, and then `last`: in the same mutation where they are of the first bucket, which has the same partition. */
async function startSlice(requests: Requests, begin: Start, seqs: readonly Seq[], last?: Statement): Promise<void> {
  let left = last
  for (const [bucket, of] of byBucket(seqs)) {
    const found = await requests.rows(entriesQuery, [begin.user, bucket, of.map(long)])
    const rows = first(found.filter(isWhole))
    await requests.still(begin.user)
    const statements = rows.flatMap((row) => startRow(begin, bucket, row, requests.stamps.timed(row['written'])))
    if (left && bucket === 0 && of.length === seqs.length) {
      statements.push(left)
      left = undefined
    }
    if (statements.length > 0) await requests.write(statements)
  }
  if (left) await requests.write([left])
}

function startRow({ user, started, now }: Start, bucket: number, row: Row, stamp: types.Long): Statement[] {
  const entry = entryOf(row, now)
  if (!starts(user, entry, started)) return []
  const key = { user, bucket, seq: entry.seq, term: row['term'] }
  const next = start(entry, started.is, now)
  return next.is === 'gone'
    ? [blank(key, row['kind'], leftOf(row), stamp)]
    : writeEntry(key, cellsOf(next), expiryOf(next), leftOf(row), stamp)
}

const seqOf = (row: Row): Seq => number(row['seq'])

function byBucket(seqs: readonly Seq[]): Map<number, Seq[]> {
  const buckets = new Map<number, Seq[]>()
  for (const seq of seqs) buckets.set(bucketOf(seq), [...(buckets.get(bucketOf(seq)) ?? []), seq])
  return buckets
}

/** Of the rows of a seq the one with the highest term comes first: the others are dead. */
const first = (rows: readonly Row[]): Row[] =>
  rows.filter((row, index) => index === 0 || seqOf(row) !== number(rows[index - 1]?.['seq']))
