/** Reading an inbox: its record when a user actor starts, and pages of entries. */
import type { Millis, Seq, UserId } from '../../protocol/ids.ts'
import type { DeviceCursor, Entry, InboxRecord } from '../contract.ts'
import { isKept } from '../lasting.ts'
import type { History } from './history.ts'
import { bucketOf, living } from './log.ts'
import type { Requests, Row } from './requests.ts'
import { entryColumns, entryOf, long, number } from './rows.ts'
import { waiting } from './timers.ts'

const recordQuery = `SELECT epoch, saved_epoch, newest, cursors, settled, bucket, started
  FROM inboxes WHERE user = ? AND shelf = 0`
/** That of the highest term. */
const markQuery = 'SELECT term, tail, time FROM marks WHERE user = ? AND bucket = ? LIMIT 1'
const lastQuery =
  'SELECT seq, term, time, kept FROM inbox_entries WHERE user = ? AND bucket = ? ORDER BY seq DESC, term ASC LIMIT 1'
const firstQuery = 'SELECT seq FROM inbox_entries WHERE user = ? AND bucket = ? LIMIT 1'
const keysQuery = 'SELECT seq, term, time, kept FROM inbox_entries WHERE user = ? AND bucket = ?'
const pageQuery = `SELECT seq, term, ${entryColumns}
  FROM inbox_entries WHERE user = ? AND bucket = ? AND seq >= ?`

/** Rows of one page that is read: at the default limit of bodies 8 MB at most. */
const pageRows = 256
/** A mark without entries is of expired ones when this part of their time has passed; else its write has not succeeded. */
const expiryMargin = 0.99

export type InboxRow = {
  readonly epoch: number
  readonly cursors: readonly DeviceCursor[]
  readonly settled: Seq
  /** The highest bucket that was begun; -1: none. */
  readonly newest: number
  /** Buckets begun within the retention time, newest first. */
  readonly begun: readonly { readonly bucket: number; readonly started: Millis }[]
}
/** Lives are not kept here. */
const noLives = { lives: [], was: 0 }

type Key = { readonly seq: Seq; readonly term: number; readonly row: Row }
/** `kept`: from there on the history may lack what it keeps; 0: it does not. */
type Tail = { readonly tail: Seq; readonly lastTime: Millis; readonly kept: Seq }

export async function record(requests: Requests, user: UserId): Promise<InboxRow | undefined> {
  const rows = await requests.rows(recordQuery, [user])
  const [first] = rows
  if (!first) return undefined
  return {
    epoch: first['epoch'] ?? first['saved_epoch'],
    newest: first['newest'] ?? -1,
    settled: number(first['settled']),
    cursors: cursorsOf(first['cursors'] ?? {}),
    begun: rows
      .filter((row) => row['started'])
      .map((row) => ({ bucket: row['bucket'], started: row['started'].getTime() })),
  }
}

const cursorsOf = (cells: Record<string, { values(): never[] }>): DeviceCursor[] =>
  Object.entries(cells).map(([device, pair]) => {
    const [seq, seenAt] = pair.values()
    return { device: device as DeviceCursor['device'], seq: number(seq), seenAt: number(seenAt) }
  })

/** The record, and from where on the history may lack what it keeps (0: it does not). */
export async function load(
  requests: Requests,
  retentionMs: number,
  user: UserId,
): Promise<{ readonly inbox: InboxRecord; readonly kept: Seq } | undefined> {
  const found = await record(requests, user)
  if (!found) return undefined
  const { epoch, cursors, settled } = found
  const [{ tail, lastTime, kept }, first, waits] = await Promise.all([
    lastHeld(requests, retentionMs, user, found.newest),
    firstHeld(requests, user, found),
    waiting(requests, user),
  ])
  const inbox = { epoch, cursors, settled, tail, lastTime, head: Math.min(first, tail + 1), waiting: waits, ...noLives }
  return { inbox, kept }
}

/** Repeats what the history may lack: the entries of the last append. */
export async function keepAgain(
  requests: Requests,
  history: History,
  user: UserId,
  from: Seq,
  tail: Seq,
): Promise<void> {
  const entries = await take(keysFrom(requests, user, from, tail), from, tail - from + 1, Number.MAX_SAFE_INTEGER, 0)
  await history.keep(
    user,
    entries.filter((entry) => isKept(user, entry)),
  )
}

/** Walks back from the newest bucket to the last entry that counts; mostly it is the last row of the first one. */
export async function lastHeld(requests: Requests, retentionMs: number, user: UserId, newest: number): Promise<Tail> {
  for (let bucket = newest; bucket >= 0; bucket--) {
    const [marks, before, rows] = await Promise.all([
      requests.rows(markQuery, [user, bucket]),
      highestTerm(requests, user, bucket - 1),
      requests.rows(lastQuery, [user, bucket]),
    ])
    const [mark] = marks
    const [last] = rows
    if (!mark || mark['term'] < before) continue
    if (last) {
      const row = last['term'] >= mark['term'] ? last : (await livingKeys(requests, user, bucket, before)).at(-1)?.row
      if (row) return { tail: number(row['seq']), lastTime: row['time'].getTime(), kept: number(row['kept']) }
    } else if (mark['time'].getTime() < Date.now() - retentionMs * expiryMargin) {
      return { tail: number(mark['tail']), lastTime: mark['time'].getTime(), kept: 0 }
    }
  }
  return { tail: 0, lastTime: 0, kept: 0 }
}

/** The highest term that wrote to a bucket; 0: none did. */
async function highestTerm(requests: Requests, user: UserId, bucket: number): Promise<number> {
  return bucket < 0 ? 0 : ((await requests.rows(markQuery, [user, bucket]))[0]?.['term'] ?? 0)
}

/** Whether the row of `term` at `seq` counts; none of a higher term has that seq. */
export async function counts(requests: Requests, user: UserId, seq: Seq, term: number): Promise<boolean> {
  const bucket = bucketOf(seq)
  const [before, here] = await Promise.all([
    highestTerm(requests, user, bucket - 1),
    highestTerm(requests, user, bucket),
  ])
  if (term >= Math.max(before, here)) return true
  return (await livingKeys(requests, user, bucket, before)).some((row) => row.seq === seq && row.term === term)
}

/** The rows of a bucket that count. Read only where rows of several terms meet. */
async function livingKeys(requests: Requests, user: UserId, bucket: number, before: number): Promise<Key[]> {
  return living((await requests.rows(keysQuery, [user, bucket])).map(keyed), before)
}

/** The first entry held. A bucket whose own row has left may still hold some, but none of the buckets before it. */
export async function firstHeld(requests: Requests, user: UserId, { begun, newest }: InboxRow): Promise<Seq> {
  const whole = begun.at(-1)?.bucket ?? newest + 1
  for (const bucket of [whole - 1, whole]) {
    const [row] = bucket < 0 || bucket > newest ? [] : await requests.rows(firstQuery, [user, bucket])
    if (row) return number(row['seq'])
  }
  return Number.MAX_SAFE_INTEGER
}

/** Up to `limit` entries from `from` on, within `bytes`. */
export async function read(
  requests: Requests,
  user: UserId,
  from: Seq,
  limit: number,
  bytes: number,
  now: Millis,
): Promise<readonly Entry[]> {
  const page = await take(keysFrom(requests, user, from, limit), from, limit, bytes, now)
  if (page.length > 0) return page
  const found = await record(requests, user)
  const first = found ? await firstHeld(requests, user, found) : 0
  const later = first > from && first < Number.MAX_SAFE_INTEGER
  return later ? take(keysFrom(requests, user, first, limit), first, limit, bytes, now) : page
}

async function take(keys: AsyncIterable<Key>, from: Seq, limit: number, bytes: number, now: Millis): Promise<Entry[]> {
  const page: Entry[] = []
  let size = 0
  for await (const { seq, row } of keys) {
    if (seq < from) continue
    const entry = entryOf(row, now)
    size += 'body' in entry ? entry.body.length : 0
    if (size > bytes && page.length > 0) break
    page.push(entry)
    if (page.length === limit) break
  }
  return page
}

/** The rows that count, from the one before `from` on: its term tells which of those that follow are dead. */
async function* keysFrom(requests: Requests, user: UserId, from: Seq, limit: number): AsyncGenerator<Key> {
  let [next, term] = [Math.max(1, from - 1), 0]
  for (;;) {
    const [bucket, start] = [bucketOf(next), next]
    let state: string | undefined
    do {
      const page = await requests.page(pageQuery, [user, bucket, long(start)], Math.min(limit + 1, pageRows), state)
      for (const key of living(page.rows.map(keyed), term)) {
        term = key.term
        next = key.seq + 1
        yield key
      }
      state = page.next
    } while (state !== undefined)
    next = Math.max(next, from)
    if (bucketOf(next) === bucket) return
  }
}

const keyed = (row: Row): Key => ({ seq: number(row['seq']), term: row['term'], row })
