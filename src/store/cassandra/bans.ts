/** Who may not connect, and who is being erased: each a list of users in a partition of its own. */
import type { UserId } from '../../protocol/ids.ts'
import type { Requests } from './requests.ts'

const selectQuery = 'SELECT user, banned FROM bans WHERE shelf = ?'
const writtenQuery = 'SELECT WRITETIME(banned) AS written FROM bans WHERE shelf = ? AND user = ?'
const insertQuery = 'INSERT INTO bans (shelf, user, banned) VALUES (?, ?, ?)'

const shelves = { banned: 0, erased: 1 } as const
type List = keyof typeof shelves

export async function listed(requests: Requests, list: List): Promise<readonly UserId[]> {
  const rows = (await requests.rows(selectQuery, [shelves[list]])) as unknown as { user: UserId; banned: boolean }[]
  return rows.filter(({ banned }) => banned).map(({ user }) => user)
}

/** Any node of a cluster does it. Of who was never in it nothing is written. */
export async function list(requests: Requests, list: List, user: UserId, is: boolean): Promise<void> {
  const [row] = await requests.rows(writtenQuery, [shelves[list], user])
  if (!row && !is) return
  const query = { query: insertQuery, params: [shelves[list], user, is] }
  await requests.write([query], requests.stamps.above(row?.['written'] ?? null))
}
