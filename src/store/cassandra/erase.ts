/** Makes `gone` of a chat's entries in an inbox, and takes them out of what waits and out of the history. */
import type { types } from 'cassandra-driver'
import type { Seq, UserId } from '../../protocol/ids.ts'
import type { Retention } from '../retention.ts'
import type { History } from './history.ts'
import { firstHeld, record } from './inbox.ts'
import { bucketOf, firstSeq } from './log.ts'
import type { Requests, Row, Statement } from './requests.ts'
import { blank, carried, leftOf, long, number, written } from './rows.ts'
import { tailOf } from './tail.ts'
import { forget } from './timers.ts'

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
    tailOf(requests, retentionMs, user, found.newest, () => true),
    firstHeld(requests, user, found),
  ])
  const last = Math.min(upTo, tail)
  for (let next = Math.max(from, head); next <= last; next = firstSeq(bucketOf(next) + 1)) {
    const params = [user, bucketOf(next), long(next), long(last)]
    let state: string | undefined
    do {
      const page = await requests.page(scanQuery, params, pageRows, state)
      await eraseRows(requests, user, chat, page.rows)
      state = page.next
    } while (state !== undefined)
  }
  if (from <= last) await history.erase(user, chat, from, last, lastTime)
}

async function eraseRows(requests: Requests, user: UserId, chat: UserId, rows: readonly Row[]) {
  const erased = rows.flatMap((row) => {
    const what = carried(row)
    return what?.chat === chat ? [{ row, ...what }] : []
  })
  if (erased.length === 0) return
  await requests.still(user)
  const statements = erased.map(({ row }) => gone(user, row, requests.stamps.timed(row['written'])))
  await requests.write(statements)
  const timers = forget(user, chat, erased, requests.stamps.ordered())
  if (timers.length > 0) await requests.write(timers)
}

function gone(user: UserId, row: Row, stamp: types.Long): Statement {
  const seq: Seq = number(row['seq'])
  return blank({ user, bucket: bucketOf(seq), seq, term: row['term'] }, row['kind'], leftOf(row), stamp)
}
