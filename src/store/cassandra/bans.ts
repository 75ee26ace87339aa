/** Who may not connect. */
import type { UserId } from '../../protocol/ids.ts'
import type { Requests } from './requests.ts'

const selectQuery = 'SELECT user, banned FROM bans WHERE shelf = 0'
const writtenQuery = 'SELECT WRITETIME(banned) AS written FROM bans WHERE shelf = 0 AND user = ?'
const insertQuery = 'INSERT INTO bans (shelf, user, banned) VALUES (0, ?, ?)'
const pageRows = 5_000

export async function bans(requests: Requests): Promise<readonly UserId[]> {
  const users: UserId[] = []
  for (let from: string | undefined, more = true; more; more = from !== undefined) {
    const page = await requests.page(selectQuery, [], pageRows, from)
    for (const { user, banned } of page.rows as unknown as { user: UserId; banned: boolean }[])
      if (banned) users.push(user)
    from = page.next
  }
  return users
}

/** Any node of a cluster does it. */
export async function saveBan(requests: Requests, user: UserId, banned: boolean): Promise<void> {
  const [row] = await requests.rows(writtenQuery, [user])
  await requests.write(
    [{ query: insertQuery, params: [user, banned] }],
    requests.stamps.above(row?.['written'] ?? null),
  )
}
