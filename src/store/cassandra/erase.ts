/** Makes `gone` of a chat's entries in an inbox, and takes them out of what waits and out of the history. */
import type { types } from 'cassandra-driver'
import type { Millis, Seq, UserId } from '../../protocol/ids.ts'
import type { Retention } from '../contract.ts'
import type { History } from './history.ts'
import { firstHeld, lastHeld, record } from './inbox.ts'
import { bucketOf, firstSeq } from './log.ts'
import type { Requests, Row, Statement } from './requests.ts'
import { blank, carried, long, number, written } from './rows.ts'
import { forget } from './timers.ts'
import { secondsLeft } from './ttl.ts'

/** Without bodies. Rows of former terms are dead, and yet hold what was written. */
const scanQuery = `SELECT seq, term, kind, time, peer, place, lifetime, ${written} FROM inbox_entries
  WHERE user = ? AND bucket = ? AND seq >= ? AND seq <= ?`
/** Rows of a slice. */
const pageRows = 500

/** Messages of a chat in an inbox. */
type Range = { readonly chat: UserId; readonly from: Seq; readonly upTo: Seq }

export async function erase(
  requests: Requests,
  history: History,
  { retentionMs }: Retention,
  user: UserId,
  { chat, from, upTo }: Range,
): Promise<void> {
  const found = await record(requests, user)
  if (!found) return
  const [{ tail, lastTime }, head] = await Promise.all([
    lastHeld(requests, retentionMs, user, found.newest),
    firstHeld(requests, user, found),
  ])
  const last = Math.min(upTo, tail)
  for (let next = Math.max(from, head); next <= last; next = firstSeq(bucketOf(next) + 1)) {
    const params = [user, bucketOf(next), long(next), long(last)]
    let state: string | undefined
    do {
      const page = await requests.page(scanQuery, params, pageRows, state)
      await eraseRows(requests, retentionMs, user, chat, page.rows)
      state = page.next
    } while (state !== undefined)
  }
  if (from <= last) await history.erase(user, chat, from, last, lastTime)
}

async function eraseRows(requests: Requests, retentionMs: number, user: UserId, chat: UserId, rows: readonly Row[]) {
  const erased = rows.flatMap((row) => {
    const what = carried(row)
    return what?.chat === chat ? [{ row, ...what }] : []
  })
  if (erased.length === 0) return
  const statements = erased.flatMap(({ row }) => gone(user, row, retentionMs, requests.stamps.timed(row['written'])))
  if (statements.length > 0) await requests.write(statements)
  const timers = forget(user, chat, erased, requests.stamps.ordered())
  if (timers.length > 0) await requests.write(timers)
}

function gone(user: UserId, row: Row, retentionMs: number, stamp: types.Long): Statement[] {
  const [seq, time]: [Seq, Millis] = [number(row['seq']), row['time'].getTime()]
  const ttl = secondsLeft(time, retentionMs)
  return ttl > 0 ? [blank({ user, bucket: bucketOf(seq), seq, term: row['term'] }, row['kind'], ttl, stamp)] : []
}
