/** Look-ups of messages by their id. A hit counts only where it points at a row that counts and is that message. */
import type { MessageId, Millis, Seq, UserId } from '../../protocol/ids.ts'
import type { Appended, DedupeKey, MessageTrace } from '../contract.ts'
import { record } from './inbox.ts'
import { bucketOf } from './log.ts'
import type { Requests, Row } from './requests.ts'
import { entryColumns, isCopy, isWhole, long, number, uuid } from './rows.ts'
import { counts } from './tail.ts'

const repeatQuery = 'SELECT term, seq, time FROM dedupe WHERE user = ? AND bucket = ? AND sender = ? AND id = ?'
/** All columns: what it finds is made the same on the replicas that it asks, and must be whole there. */
const entryQuery = `SELECT term, ${entryColumns} FROM inbox_entries WHERE user = ? AND bucket = ? AND seq = ? LIMIT 1`
const scanQuery = 'SELECT user, sender, id, term, seq, time FROM dedupe'

export async function findRepeats(
  requests: Requests,
  since: Millis,
  user: UserId,
  keys: readonly DedupeKey[],
  upTo: Seq,
): Promise<readonly (Appended | undefined)[]> {
  const found = await record(requests, user)
  if (!found) return keys.map(() => undefined)
  const recent = found.begun.filter(({ started }) => started >= since).at(-1)?.bucket ?? found.newest + 1
  const oldest = Math.max(0, recent - 1)
  const buckets = Array.from({ length: found.newest + 1 - oldest }, (_, n) => found.newest - n)
  return Promise.all(keys.map((key) => findRepeat(requests, user, buckets, key, upTo)))
}

async function findRepeat(
  requests: Requests,
  user: UserId,
  buckets: readonly number[],
  { sender, id }: DedupeKey,
  upTo: Seq,
) {
  const find = (bucket: number) => requests.rows(repeatQuery, [user, bucket, sender, uuid(id)])
  for (const row of (await Promise.all(buckets.map(find))).flat()) {
    // Above it stands what a former life wrote, and nobody was answered.
    if (number(row['seq']) <= upTo && (await isThere(requests, user, sender, id, row))) return appended(row)
  }
  return undefined
}

/** Whether a row of `dedupe` points at its message, which may have been written again under another term. */
async function isThere(requests: Requests, user: UserId, sender: UserId, id: MessageId, row: Row): Promise<boolean> {
  const { seq } = appended(row)
  const [entry] = await requests.rows(entryQuery, [user, bucketOf(seq), long(seq)])
  if (!entry || !isWhole(entry) || entry['id']?.toString() !== id) return false
  // Of an entry that is gone only the id is left.
  const from = isCopy(entry['kind']) ? user : entry['peer'] || sender
  return from === sender && (await counts(requests, user, seq, entry['term']))
}

/** Reads every key of the dedupe time, page by page: there is no index by id, which would cost each message a mutation. */
export async function trace(requests: Requests, id: MessageId): Promise<readonly MessageTrace[]> {
  const traces: MessageTrace[] = []
  let state: string | undefined
  do {
    const page = await requests.page(scanQuery, [], 5_000, state)
    for (const row of page.rows) {
      if (row['id'].toString() !== id) continue
      const { user, sender } = row as unknown as { user: UserId; sender: UserId }
      if (await isThere(requests, user, sender, id, row)) traces.push({ recipient: user, sender, ...appended(row) })
    }
    state = page.next
  } while (state !== undefined)
  return traces
}

const appended = (row: Row): Appended => ({ seq: number(row['seq']), time: row['time'].getTime() })
