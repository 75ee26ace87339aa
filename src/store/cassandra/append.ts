/** Writing an inbox: entries, their dedupe keys and the mark of the bucket go into one mutation. */
import type { types } from 'cassandra-driver'
import { type Entry, isKept } from '../../protocol/entry.ts'
import type { Millis, Seq, UserId } from '../../protocol/ids.ts'
import type { Retention } from '../retention.ts'
import type { History } from './history.ts'
import { bucketOf, firstSeq } from './log.ts'
import type { Remembered } from './remembered.ts'
import type { Requests, Row, Statement } from './requests.ts'
import { cellsOf, cellsOfRow, entryOf, expiryOf, leftOf, long, writeEntry } from './rows.ts'
import { noted } from './timers.ts'
import { secondsLeft } from './ttl.ts'

const dedupeInsert =
  'INSERT INTO dedupe (user, bucket, sender, id, term, seq, time) VALUES (?, ?, ?, ?, ?, ?, ?) USING TTL ?'
/** The timestamp is the seq: whichever of two writes lands last, the higher mark stays. */
const markInsert =
  'INSERT INTO marks (user, bucket, term, tail, time, since) VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?'
/** The timestamp falls with the seq: the lowest stays. */
const firstInsert = 'INSERT INTO marks (user, bucket, term, first) VALUES (?, ?, ?, ?) USING TIMESTAMP ?'
const epochUpdate = 'UPDATE inboxes USING TIMESTAMP ? SET epoch = ? WHERE user = ? AND shelf = 0'
/** The timestamp is the bucket, for the same reason. */
const newestUpdate = 'UPDATE inboxes USING TIMESTAMP ? SET newest = ? WHERE user = ? AND shelf = 0'
const bucketInsert =
  'INSERT INTO inboxes (user, shelf, bucket, started) VALUES (?, 0, ?, ?) USING TTL ? AND TIMESTAMP ?'

/** One mutation holds about so many entries and bytes of bodies; Cassandra takes 16 MB. */
const chunkEntries = 500
const chunkBytes = 1024 * 1024

/** Where the entries of one call go. */
export type Target = {
  readonly user: UserId
  readonly epoch: number
  readonly term: number
  readonly retention: Retention
  /** Buckets that are known to say where this term began in them. */
  readonly begun: Remembered
}

/** Entries in seq order, one mutation after the other: what fails leaves no hole. What a history keeps follows its entries. */
export async function append(
  requests: Requests,
  history: History,
  target: Target,
  entries: readonly Entry[],
): Promise<void> {
  for (const chunk of chunks(entries)) {
    const [{ seq: since }] = chunk as [Entry]
    const name = `${target.user}\n${bucketOf(since)}\n${target.term}`
    const firsts = target.begun.has(name) ? [] : [first(target, since)]
    await put(requests, history, target, chunk, { since, of: fresh(target), firsts })
    target.begun.add(name)
  }
}

/**
 * Writes rows at the tail that may not be on a quorum of replicas again, under the term of a new owner. Else a row of a life between, that
 * nobody has seen yet, could kill them once they were answered and pushed. The last mutation comes first: until the others are
 * written, too, what it leaves behind a gap does not count.
 */
export async function appendAgain(
  requests: Requests,
  history: History,
  target: Target,
  rows: readonly Row[],
): Promise<void> {
  const known = new Map(rows.map((row) => [entryOf(row, 0), row]))
  const entries = [...known.keys()]
  const of = (entry: Entry): Written => {
    const row = known.get(entry) as Row
    const remembered = secondsLeft(entry.time, target.retention.dedupeMs)
    return { cells: cellsOfRow(row), ttl: leftOf(row), remembered }
  }
  const since = entries[0]?.seq ?? 0
  for (const chunk of [...chunks(entries)].reverse())
    await put(requests, history, target, chunk, { since, of, firsts: [] })
}

/** What is written of an entry; for how many seconds, and for how many it is known that it would be a repeat. */
type Written = { readonly cells: Record<string, unknown>; readonly ttl: number; readonly remembered: number }

const fresh =
  ({ retention: { retentionMs, dedupeMs } }: Target) =>
  (entry: Entry): Written => ({
    cells: cellsOf(entry),
    ttl: secondsLeft(entry.time, retentionMs),
    remembered: secondsLeft(entry.time, dedupeMs),
  })

type How = {
  /** Where this append begins, which may be of several mutations. */
  readonly since: Seq
  readonly of: (entry: Entry) => Written
  readonly firsts: readonly Statement[]
}

/** One mutation of entries, after what has to be there before them. */
async function put(
  requests: Requests,
  history: History,
  target: Target,
  chunk: readonly Entry[],
  { since, of, firsts }: How,
): Promise<void> {
  const [{ seq, time }] = chunk as [Entry]
  const [bucket, stamp] = [bucketOf(seq), requests.stamps.ordered()]
  const entries = chunk.map((entry) => ({ entry, ...of(entry) }))
  const begins = seq === firstSeq(bucket) ? begin(target, bucket, time, stamp) : []
  const timers = entries.flatMap(({ entry, ttl }) => noted(target.user, entry, ttl, stamp))
  const statements = [...writes(target, entries), mark(target, chunk.at(-1) as Entry, since), ...firsts]
  // The first bucket has the partition of the record and of the timers: one mutation. Those of a later bucket come before its entries.
  const before = [...begins, ...timers]
  if (bucket > 0 && before.length > 0) await requests.write(before)
  await requests.write(bucket > 0 ? statements : [...before, ...statements])
  const kept = chunk.filter((entry) => isKept(target.user, entry))
  if (kept.length === 0) return
  // What does not count is not history: another owner may have given its seq to another message.
  await requests.still(target.user)
  await history.keep(target.user, kept)
}

/** Says in the record that a bucket exists, since when, and under which epoch. */
export function begin(
  { user, epoch, retention }: Target,
  bucket: number,
  started: Millis,
  stamp: types.Long,
): Statement[] {
  const ttl = secondsLeft(started, retention.retentionMs)
  const row = { query: bucketInsert, params: [user, bucket, new Date(started), ttl, stamp] }
  return [
    { query: epochUpdate, params: [stamp, epoch, user] },
    { query: newestUpdate, params: [long(bucket + 1), bucket, user] },
    ...(ttl > 0 ? [row] : []),
  ]
}

/** How far a term has written a bucket: up to this entry, and its last append since when. */
export const mark = ({ user, term }: Target, { seq, time }: Pick<Entry, 'seq' | 'time'>, since: Seq): Statement => ({
  query: markInsert,
  params: [user, bucketOf(seq), term, long(seq), new Date(time), long(since), long(seq)],
})

/** Where a term began to write entries of its own in a bucket. */
const first = ({ user, term }: Target, seq: Seq): Statement => ({
  query: firstInsert,
  params: [user, bucketOf(seq), term, long(seq), long(Number.MAX_SAFE_INTEGER - seq)],
})

function writes({ user, term }: Target, entries: readonly (Written & { readonly entry: Entry })[]): Statement[] {
  const statements: Statement[] = []
  const last = entries.at(-1)
  const kept = entries.find(({ entry }) => isKept(user, entry))
  if (kept && last) last.cells['kept'] = long(kept.entry.seq)
  for (const { entry, cells, ttl, remembered } of entries) {
    const { seq } = entry
    const bucket = bucketOf(seq)
    if (ttl > 0) statements.push(...writeEntry({ user, bucket, seq, term }, cells, expiryOf(entry), ttl))
    if (!('body' in entry) || remembered <= 0) continue
    const sender = entry.is === 'message' ? entry.from : user
    const params = [user, bucket, sender, cells['id'], term, long(seq), cells['time'], remembered]
    statements.push({ query: dedupeInsert, params })
  }
  return statements
}

/** Cuts entries where a bucket ends and where a mutation would grow too large. */
function* chunks(entries: readonly Entry[]): Generator<Entry[]> {
  let chunk: Entry[] = []
  let bytes = 0
  for (const entry of entries) {
    const size = 'body' in entry ? entry.body.length : 0
    const full = chunk.length >= chunkEntries || bytes + size > chunkBytes
    if (chunk.length > 0 && (full || entry.seq === firstSeq(bucketOf(entry.seq)))) {
      yield chunk
      chunk = []
      bytes = 0
    }
    chunk.push(entry)
    bytes += size
  }
  if (chunk.length > 0) yield chunk
}
