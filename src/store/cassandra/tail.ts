/**
 * Where a log ends. A row counts at the tail where two of three replicas may not have it yet: an append that failed may have reached one
 * of them. What is read of it has all its columns, since a read makes replicas agree only about the columns that it names; a row without
 * `kind` was left by such a read, and is none.
 *
 * The mark of the highest term says since when its last append goes, and all before that is on a quorum: who wrote the mark had it
 * acknowledged, or had written it again (append.ts). So where the rows of a mark are not there, the log ends before them.
 */
import type { Millis, Seq, UserId } from '../../protocol/ids.ts'
import { bucketOf, firstSeq, type Key, keyed, living, unbroken } from './log.ts'
import type { Requests, Row } from './requests.ts'
import { entryColumns, isWhole, long, number, written } from './rows.ts'
import { isOld } from './ttl.ts'

/** All columns, for the same reason as of entries. */
const marks = 'SELECT term, tail, time, since, first FROM marks WHERE user = ? AND bucket = ?'
const highestQuery = `${marks} LIMIT 1`
const aboveQuery = `${marks} AND term > ?`
const columns = `seq, term, ${entryColumns}, kept, ${written}`
const lastQuery = `SELECT ${columns} FROM inbox_entries WHERE user = ? AND bucket = ? ORDER BY seq DESC, term ASC LIMIT 1`
const sinceQuery = `SELECT ${columns} FROM inbox_entries WHERE user = ? AND bucket = ? AND seq >= ?`
/** Without bodies. */
const keysQuery = 'SELECT seq, term FROM inbox_entries WHERE user = ? AND bucket = ?'

/** Entries of an append at most; marks of releases before version 5 of the schema do not say since when theirs goes. */
const mostOfAppend = 500

export type Tail = {
  readonly tail: Seq
  readonly lastTime: Millis
  /** From there on the history may lack what it keeps; 0: it does not. */
  readonly kept: Seq
  /** The highest term that wrote to the log, as far as was read. */
  readonly term: number
  /** Whether the entry at the tail is there, and has not expired. */
  readonly held: boolean
  /** Rows at the tail that may not be on a quorum. */
  readonly doubtful: readonly Row[]
}
const none: Tail = { tail: 0, lastTime: 0, kept: 0, term: 0, held: false, doubtful: [] }

/** `first`: where the term began; 0: it is not known to have. */
type Mark = {
  readonly term: number
  readonly tail: Seq
  readonly time: Millis
  readonly since: Seq
  readonly first: Seq
}

/** `isSure` says of the last row whether it is on a quorum, so that those of its append need not be read. */
export async function tailOf(
  requests: Requests,
  retentionMs: number,
  user: UserId,
  bucket: number,
  isSure: (seq: Seq, term: number) => boolean,
): Promise<Tail> {
  if (bucket < 0) return none
  const [mark, before, [last]] = await Promise.all([
    highestMark(requests, user, bucket),
    highestTerm(requests, user, bucket - 1),
    requests.rows(lastQuery, [user, bucket]),
  ])
  const earlier = () => tailOf(requests, retentionMs, user, bucket - 1, isSure)
  if (!mark || mark.term < before) return earlier()
  if (last && isWhole(last) && last['term'] >= mark.term && isSure(number(last['seq']), last['term']))
    return endsWith(mark, [keyed(last)], [])
  const keys = await lastAppend(requests, retentionMs, user, bucket, before, mark)
  if (keys.length > 0)
    return endsWith(
      mark,
      keys,
      keys.filter(({ seq }) => seq >= mark.since),
    )
  // Where the entry before them is there, those of the mark have not expired: they were never written.
  const below = mark.since === firstSeq(bucket) ? await earlier() : none
  if (below.held) return { ...below, term: mark.term }
  const expired = isOld(mark.time, retentionMs) || mark.since > 1
  return expired ? { ...none, tail: mark.tail, lastTime: mark.time, term: mark.term } : none
}

function endsWith(mark: Mark, keys: readonly Key[], doubtful: readonly Key[]): Tail {
  const { seq: tail, row } = keys.at(-1) as Key
  const [lastTime, kept] = [row['time'].getTime(), number(row['kept'])]
  return { tail, lastTime, kept, term: Math.max(mark.term, row['term']), held: true, doubtful: doubtful.map(rowOf) }
}
const rowOf = ({ row }: Key): Row => row

/**
 * The rows that count since the last append of the highest term, and the one before, in one page: of an append that was not read before
 * all rows are seen, or none. Where a single one was, it may be there without those before it, and does not count.
 */
async function lastAppend(
  requests: Requests,
  retentionMs: number,
  user: UserId,
  bucket: number,
  before: number,
  { term, since, first }: Mark,
): Promise<readonly Key[]> {
  const from = Math.max(firstSeq(bucket), since - 1)
  const rows = (await requests.rows(sinceQuery, [user, bucket, long(from)])).filter(isWhole).map(keyed)
  // What a former owner wrote where this term has begun is dead, also where nothing of this term is there: for readers it is not there.
  const keys = living(
    rows.filter((row) => row.term >= term || first === 0 || row.seq < first),
    before,
  )
  return unbroken(keys, since, ({ row }) => isOld(row['time'].getTime(), retentionMs))
}

async function highestMark(requests: Requests, user: UserId, bucket: number): Promise<Mark | undefined> {
  const [row] = await requests.rows(highestQuery, [user, bucket])
  if (!row) return undefined
  const tail = number(row['tail'])
  const since = number(row['since']) || Math.max(firstSeq(bucket), tail - mostOfAppend + 1)
  return { term: row['term'], tail, time: row['time'].getTime(), since, first: number(row['first']) }
}

/** The highest term that wrote to a bucket; 0: none did. */
async function highestTerm(requests: Requests, user: UserId, bucket: number): Promise<number> {
  return bucket < 0 ? 0 : ((await highestMark(requests, user, bucket))?.term ?? 0)
}

/** Whether the row of `term` at `seq` counts; none of a higher term has that seq. */
export async function counts(requests: Requests, user: UserId, seq: Seq, term: number): Promise<boolean> {
  const bucket = bucketOf(seq)
  const [before, here] = await Promise.all([
    highestTerm(requests, user, bucket - 1),
    highestTerm(requests, user, bucket),
  ])
  if (term >= Math.max(before, here)) return true
  const keys = (await requests.rows(keysQuery, [user, bucket])).map(keyed)
  return living(keys, before).some((row) => row.seq === seq && row.term === term)
}

/** Without rows that are dead though what killed them has expired: it may do so earlier, where it was written by a clock that was behind. */
export async function withoutRevived(
  requests: Requests,
  user: UserId,
  bucket: number,
  keys: readonly Key[],
): Promise<readonly Key[]> {
  const lowest = Math.min(...keys.map(({ term }) => term))
  if (lowest >= requests.stamps.term) return keys
  const above = (await requests.rows(aboveQuery, [user, bucket, lowest])).filter((mark) => mark['first'] !== null)
  const began = above.map((mark) => ({ term: mark['term'] as number, first: number(mark['first']) }))
  return keys.filter((key) => !began.some(({ term, first }) => term > key.term && first <= key.seq))
}
