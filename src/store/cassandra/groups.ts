/** Groups: their records, and which of them have copies under way. */
import type { GroupId } from '../../protocol/ids.ts'
import type { GroupRecord } from '../contract.ts'
import type { Retention } from '../retention.ts'
import type { Requests } from './requests.ts'

const groupQuery = 'SELECT record FROM chat_groups WHERE id = ?'
const groupInsert = 'INSERT INTO chat_groups (id, record) VALUES (?, ?)'
const noteInsert = 'INSERT INTO noted_groups (shelf, term, id) VALUES (?, ?, ?) USING TTL ?'
const notedQuery = 'SELECT term, id FROM noted_groups WHERE shelf = ?'
const noteDelete = 'DELETE FROM noted_groups WHERE shelf = ? AND term = ? AND id = ?'

/** Partitions of noted_groups, and that of a group. */
const shelves = 16
const shelfOf = (group: GroupId): number =>
  [...group].reduce((sum, char) => sum + (char.codePointAt(0) ?? 0), 0) % shelves

export async function loadGroup(requests: Requests, group: GroupId): Promise<GroupRecord | undefined> {
  const [row] = await requests.rows(groupQuery, [group])
  return row && JSON.parse(row['record'])
}

export const saveGroup = (requests: Requests, group: GroupId, record: GroupRecord): Promise<void> =>
  requests.write([{ query: groupInsert, params: [group, JSON.stringify(record)] }], requests.stamps.ordered())

export function noteGroup(requests: Requests, retention: Retention, group: GroupId, term: number): Promise<void> {
  const ttl = Math.ceil(retention.retentionMs / 1000)
  return requests.write([{ query: noteInsert, params: [shelfOf(group), term, group, ttl] }], requests.stamps.ordered())
}

export async function notedGroups(requests: Requests) {
  const rows = await Promise.all(Array.from({ length: shelves }, (_, shelf) => requests.rows(notedQuery, [shelf])))
  return rows.flat().map((row): { group: GroupId; term: number } => ({ group: row['id'], term: row['term'] }))
}

export const forgetGroup = (requests: Requests, group: GroupId, term: number): Promise<void> =>
  requests.write([{ query: noteDelete, params: [shelfOf(group), term, group] }], requests.stamps.ordered())
