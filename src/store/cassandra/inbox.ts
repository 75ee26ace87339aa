/** Reading an inbox: its record when a user actor starts, and pages of entries. */
import { type Entry, isKept } from '../../protocol/entry.ts'
import type { Millis, Seq, UserId } from '../../protocol/ids.ts'
import type { DeviceCursor, InboxRecord } from '../contract.ts'
import { StoreError } from '../error.ts'
import type { History } from './history.ts'
import { bucketOf, type Key, keyed, living } from './log.ts'
import type { Requests } from './requests.ts'
import { entryColumns, entryOf, isWhole, long, number } from './rows.ts'
import { type Tail, tailOf, withoutRevived } from './tail.ts'
import { waiting } from './timers.ts'
import { isOld } from './ttl.ts'

const recordQuery = `SELECT epoch, saved_epoch, newest, cursors, settled, bucket, started
  FROM inboxes WHERE user = ? AND shelf = 0`
const firstQuery = 'SELECT seq FROM inbox_entries WHERE user = ? AND bucket = ? LIMIT 1'
const pageQuery = `SELECT seq, term, ${entryColumns}
  FROM inbox_entries WHERE user = ? AND bucket = ? AND seq >= ?`

/** Rows of one page that is read: at the default limit of bodies 8 MB at most. */
const pageRows = 256
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

export type Loaded = { readonly inbox: InboxRecord; readonly end: Tail }

/** The record, and where the log ends. A device that has acknowledged a row was given it when it was on a quorum. */
export async function load(
  requests: Requests,
  retentionMs: number,
  user: UserId,
  isSure: (term: number) => boolean,
): Promise<Loaded | undefined> {
  const found = await record(requests, user)
  if (!found) return undefined
  const { epoch, cursors, settled, newest } = found
  const acked = Math.max(0, ...cursors.map(({ seq }) => seq))
  const [end, first, waits] = await Promise.all([
    tailOf(requests, retentionMs, user, newest, (seq, term) => seq <= acked || isSure(term)),
    firstHeld(requests, user, found),
    waiting(requests, user),
  ])
  const { tail, lastTime } = end
  const inbox = { epoch, cursors, settled, tail, lastTime, head: Math.min(first, tail + 1), waiting: waits, ...noLives }
  return { inbox, end }
}

/** Repeats what the history may lack: the entries of the last append. */
export async function keepAgain(
  requests: Requests,
  history: History,
  retentionMs: number,
  user: UserId,
  from: Seq,
  tail: Seq,
): Promise<void> {
  const entries = await read(requests, retentionMs, user, {
    from,
    limit: tail - from + 1,
    bytes: Number.MAX_SAFE_INTEGER,
    now: 0,
  })
  await requests.still(user)
  await history.keep(
    user,
    entries.filter((entry) => isKept(user, entry)),
  )
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

/**
 * Up to `limit` entries from `from` on, within `bytes`. Rejects where one is missing that has not expired: a replica is behind, or the
 * store has lost it, and whoever went on behind the gap would never get it.
 */
export async function read(
  requests: Requests,
  retentionMs: number,
  user: UserId,
  {
    from,
    limit,
    bytes,
    now,
  }: { readonly from: Seq; readonly limit: number; readonly bytes: number; readonly now: Millis },
): Promise<readonly Entry[]> {
  const pageFrom = (seq: Seq) => take(user, keysFrom(requests, user, seq, limit), retentionMs, seq, limit, bytes, now)
  const page = await pageFrom(from)
  if (page.length > 0) return page
  const found = await record(requests, user)
  const first = found ? await firstHeld(requests, user, found) : Number.MAX_SAFE_INTEGER
  if (!found || first === Number.MAX_SAFE_INTEGER) return page
  if (first > from) return pageFrom(first)
  const { tail } = await tailOf(requests, retentionMs, user, found.newest, () => true)
  if (from > tail) return page
  // It may have been appended since the first look: what is missing is not there now either.
  const later = await pageFrom(from)
  if (later.length === 0) throw missing(user, from)
  return later
}

const missing = (user: UserId, seq: Seq) =>
  new StoreError(
    'corrupt',
    `Entry ${seq} of the log of ${user} is missing and has not expired, so nothing from there on is given out. Run "nodetool repair" for the keyspace on each replica: where one has the entry, all goes on by itself. docs/cassandra.md says what to do where none has.`,
  )

/** A page ends before a gap. What comes before one that expired has expired as well. */
async function take(
  user: UserId,
  keys: AsyncIterable<Key>,
  retentionMs: number,
  from: Seq,
  limit: number,
  bytes: number,
  now: Millis,
): Promise<Entry[]> {
  let page: Entry[] = []
  let [size, last]: [number, Entry | undefined] = [0, undefined]
  for await (const { seq, row } of keys) {
    const entry = entryOf(row, now)
    const isGap = last !== undefined && seq > Math.max(last.seq + 1, from)
    if (isGap && isOld((last as Entry).time, retentionMs)) page = []
    else if (isGap && page.length > 0) break
    else if (isGap) throw missing(user, (last as Entry).seq + 1)
    last = entry
    if (seq < from) continue
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
      const rows = page.rows.filter(isWhole).map(keyed)
      for (const key of living(await withoutRevived(requests, user, bucket, rows), term)) {
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
