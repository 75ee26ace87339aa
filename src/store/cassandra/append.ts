/** Writing an inbox: entries, their dedupe keys and the mark of the bucket go into one mutation. */
import type { types } from 'cassandra-driver'
import type { Millis, Seq, UserId } from '../../protocol/ids.ts'
import type { Entry, Retention } from '../contract.ts'
import { isKept } from '../lasting.ts'
import type { History } from './history.ts'
import { bucketOf, firstSeq } from './log.ts'
import type { Requests, Statement } from './requests.ts'
import { long, uuid, writeEntry } from './rows.ts'
import { noted } from './timers.ts'
import { secondsLeft } from './ttl.ts'

const dedupeInsert =
  'INSERT INTO dedupe (user, bucket, sender, id, term, seq, time) VALUES (?, ?, ?, ?, ?, ?, ?) USING TTL ?'
/** The timestamp is the seq: whichever of two writes lands last, the higher mark stays. */
const markInsert = 'INSERT INTO marks (user, bucket, term, tail, time) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?'
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
}

/** Entries in seq order, one mutation after the other: what fails leaves no hole. What a history keeps follows its entries. */
export async function append(
  requests: Requests,
  history: History,
  target: Target,
  entries: readonly Entry[],
): Promise<void> {
  for (const chunk of chunks(entries)) {
    const first = chunk[0] as Entry
    const bucket = bucketOf(first.seq)
    const statements = writes(target, bucket, chunk)
    const stamp = requests.stamps.ordered()
    const begins = first.seq === firstSeq(bucket) ? begin(target, bucket, first.time, stamp) : []
    const timers = chunk.flatMap((entry) =>
      noted(target.user, entry, secondsLeft(entry.time, target.retention.retentionMs), stamp),
    )
    // The first bucket has the partition of the record and of the timers: one mutation. Those of a later bucket come before its entries.
    const before = [...begins, ...timers]
    if (bucket > 0 && before.length > 0) await requests.write(before)
    await requests.write(bucket > 0 ? statements : [...before, ...statements])
    await history.keep(
      target.user,
      chunk.filter((entry) => isKept(target.user, entry)),
    )
  }
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

/** How far a term has written a bucket. */
export const mark = ({ user, term }: Target, tail: Seq, time: Millis): Statement => ({
  query: markInsert,
  params: [user, bucketOf(tail), term, long(tail), new Date(time), long(tail)],
})

function writes(target: Target, bucket: number, entries: readonly Entry[]): Statement[] {
  const { user, term, retention } = target
  const statements: Statement[] = []
  const last = entries.at(-1) as Entry
  const kept = entries.find((entry) => isKept(user, entry))
  for (const entry of entries) {
    const ttl = secondsLeft(entry.time, retention.retentionMs)
    const more = kept && entry === last ? { kept: long(kept.seq) } : {}
    if (ttl > 0) statements.push(...writeEntry({ user, bucket, seq: entry.seq, term }, entry, ttl, more))
    const remembered = secondsLeft(entry.time, retention.dedupeMs)
    if (!('body' in entry) || remembered <= 0) continue
    const sender = entry.is === 'message' ? entry.from : user
    const params = [user, bucket, sender, uuid(entry.id), term, long(entry.seq), new Date(entry.time), remembered]
    statements.push({ query: dedupeInsert, params })
  }
  return [...statements, mark(target, last.seq, last.time)]
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
