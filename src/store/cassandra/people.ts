/** Users as a whole: who there is, and taking away what is kept of one. */
import type { ChatId, Seq, UserId } from '../../protocol/ids.ts'
import type { Retention } from '../retention.ts'
import type { History } from './history.ts'
import { firstHeld, type InboxRow, record } from './inbox.ts'
import { dropKeys } from './keys.ts'
import { bucketOf, firstSeq } from './log.ts'
import type { Requests, Row, Statement } from './requests.ts'
import { blank, isGone, isWhole, leftOf, long, number, written } from './rows.ts'
import { tailOf } from './tail.ts'

const firstOwners = 'SELECT DISTINCT user, shelf FROM inboxes LIMIT ?'
const nextOwners = 'SELECT DISTINCT user, shelf FROM inboxes WHERE token(user, shelf) > token(?, 0) LIMIT ?'
const historiesQuery = 'SELECT DISTINCT user, chat FROM history_buckets'
/** Without bodies. Rows of former terms are dead, and yet hold what was written. */
const scanQuery = `SELECT seq, term, kind, ${written} FROM inbox_entries WHERE user = ? AND bucket = ?`
const savedUpdate = 'UPDATE inboxes SET saved_epoch = ?, cursors = ?, settled = ? WHERE user = ? AND shelf = 0'
/** What is kept of a user in one partition, by table. */
const deletions = {
  timers: 'DELETE FROM timers WHERE user = ? AND shelf = 0',
  reads: 'DELETE FROM reads WHERE user = ? AND shelf = 0',
  seen: 'DELETE FROM seen WHERE user = ?',
  preferences: 'DELETE FROM preferences WHERE user = ?',
}
/** Rows of a slice, and keys of a page. */
const [pageRows, pageKeys] = [500, 5_000]

/** In the order of their tokens. */
export async function owners(requests: Requests, after: ChatId | null, limit: number): Promise<readonly ChatId[]> {
  const query = after === null ? firstOwners : nextOwners
  const page = await requests.page(query, after === null ? [limit] : [after, limit], limit)
  return page.rows.map((row) => row['user'])
}

/**
 * Reads the keys of all histories, page by page. The list of a user may lack what a node of schema 9 has begun since `schema apply`, and
 * of who is erased nothing is to be left.
 */
async function historiesOf(requests: Requests, user: UserId): Promise<readonly ChatId[]> {
  const chats: ChatId[] = []
  let state: string | undefined
  do {
    const page = await requests.page(historiesQuery, [], pageKeys, state)
    for (const row of page.rows) if (row['user'] === user) chats.push(row['chat'])
    state = page.next
  } while (state !== undefined)
  return chats
}

/** Cursors go first: of an inbox that nobody reads, holes at any place harm nobody. */
export async function wipe(requests: Requests, history: History, retention: Retention, user: UserId): Promise<void> {
  const found = await record(requests, user)
  const { tail, lastTime } = await tailOf(requests, retention.retentionMs, user, found?.newest ?? -1, () => true)
  await requests.still(user)
  const saved = { query: savedUpdate, params: [found?.epoch, {}, long(tail), user] }
  const gone = Object.values(deletions).map((query): Statement => ({ query, params: [user] }))
  for (const statement of [...(found ? [saved] : []), ...gone])
    await requests.write([statement], requests.stamps.ordered())
  await dropKeys(requests, user)
  if (found) await blankAll(requests, user, found)
  for (const chat of await historiesOf(requests, user)) await history.wipe(user, chat, tail, lastTime)
  await history.wiped(user)
}

/** Also behind the tail: what a former life wrote late reaches at most into the next bucket. */
async function blankAll(requests: Requests, user: UserId, found: InboxRow): Promise<void> {
  const first = Math.min(await firstHeld(requests, user, found), firstSeq(found.newest + 1))
  for (let bucket = bucketOf(first); bucket <= found.newest + 1; bucket++) {
    let state: string | undefined
    do {
      const page = await requests.page(scanQuery, [user, bucket], pageRows, state)
      const statements = page.rows.filter(isFull).map((row) => goneRow(requests, user, bucket, row))
      if (statements.length > 0) {
        await requests.still(user)
        await requests.write(statements)
      }
      state = page.next
    } while (state !== undefined)
  }
}

const isFull = (row: Row): boolean => isWhole(row) && !isGone(row['kind'])

function goneRow({ stamps }: Requests, user: UserId, bucket: number, row: Row): Statement {
  const seq: Seq = number(row['seq'])
  return blank({ user, bucket, seq, term: row['term'] }, row['kind'], leftOf(row), stamps.timed(row['written']))
}
