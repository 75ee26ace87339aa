/** What users have set. */
import type { UserId } from '../../protocol/ids.ts'
import type { Settings } from '../../protocol/settings.ts'
import type { Requests } from './requests.ts'

const selectQuery = 'SELECT last_seen, writers, receipts, blocked, contacts FROM preferences WHERE user = ?'
const insertQuery = `INSERT INTO preferences (user, last_seen, writers, receipts, blocked, contacts)
  VALUES (?, ?, ?, ?, ?, ?)`

export async function settings(requests: Requests, user: UserId): Promise<Settings | undefined> {
  const [row] = await requests.rows(selectQuery, [user])
  if (!row) return undefined
  const { last_seen: lastSeen, writers, receipts, blocked, contacts } = row
  // An empty list comes back as null.
  return { lastSeen, writers, receipts, blocked: blocked ?? [], contacts: contacts ?? [] }
}

export async function saveSettings(requests: Requests, user: UserId, settings: Settings): Promise<void> {
  const { lastSeen, writers, receipts, blocked, contacts } = settings
  await requests.write([{ query: insertQuery, params: [user, lastSeen, writers, receipts, blocked, contacts] }])
}
