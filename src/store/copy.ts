/**
 * Copies an embedded store into a keyspace. Epochs, seqs and cursors stay as they are, so clients go on where they were; so do
 * timers, those that run and those that have not started, histories, and public keys.
 */
import type { Carrier } from '../protocol/entry.ts'
import { type GroupId, isGroup, type UserId } from '../protocol/ids.ts'
import type { CassandraStore } from './cassandra.ts'
import type { LmdbStore } from './lmdb.ts'

export type Copied = { users: number; entries: number }

/** Users copied at a time: enough to keep a cluster busy, few enough to hold their pages in memory. */
const atOnce = 32
const pageEntries = 500
const pageBytes = 1024 * 1024

/** Both stores are open, and no node runs on either. A user who is there already is written again, with the same result. */
export async function copyStore(
  from: LmdbStore,
  to: CassandraStore,
  progress: (copied: Copied) => void,
): Promise<Copied> {
  const term = await to.takeTerm()
  const copied: Copied = { users: 0, entries: 0 }
  const users = from.users()
  const worker = async () => {
    for (let next = users.next(); !next.done; next = users.next()) {
      copied.entries += await copyUser(from, to, next.value, term)
      copied.users += 1
      if (copied.users % 1_000 === 0) progress(copied)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  for (const { group } of await from.notedGroups()) await to.noteGroup(group, term)
  for (const user of await from.bans()) await to.saveBan(user, true)
  for (const user of await from.erasures()) await to.saveErasure(user, true)
  return copied
}

async function copyGroup(from: LmdbStore, to: CassandraStore, group: GroupId): Promise<void> {
  const record = await from.loadGroup(group)
  if (record) await to.saveGroup(group, record)
}

async function copyUser(from: LmdbStore, to: CassandraStore, user: UserId, term: number): Promise<number> {
  const seen = await from.lastSeen(user)
  if (seen !== undefined) await to.saveLastSeen(new Map([[user, seen]]))
  if (isGroup(user)) await copyGroup(from, to, user)
  const settings = await from.settings(user)
  if (settings) await to.saveSettings(user, settings)
  await copyKeys(from, to, user)
  const record = await from.load(user)
  if (!record) return 0
  await to.place(user, record, term, await from.reads(user))
  let count = await copyPast(from, to, user)
  for (let next = record.head; next <= record.tail; ) {
    const entries = await from.read(user, next, pageEntries, pageBytes, Date.now())
    const last = entries.at(-1)
    if (!last) break
    await to.append(user, record.epoch, term, entries)
    count += entries.length
    next = last.seq + 1
  }
  return count
}

/** What is there already stays, and is the same. */
async function copyKeys(from: LmdbStore, to: CassandraStore, user: UserId): Promise<void> {
  for (const [at, link] of (await from.links(user, 1)).entries()) await to.addLink(user, at + 1, link)
  for (const identity of await from.shelves(user)) {
    const row = await from.shelf(user, identity)
    if (row) await to.saveShelf(user, identity, { ...row, version: 1 })
  }
}

/** Of a history only what has left the inbox: the rest comes with the entries that are appended. */
async function copyPast(from: LmdbStore, to: CassandraStore, user: UserId): Promise<number> {
  let [count, bytes]: [number, number] = [0, 0]
  let page: Carrier[] = []
  for (const entry of from.past(user)) {
    page.push(entry)
    count += 1
    bytes += entry.body.length
    if (page.length < pageEntries && bytes < pageBytes) continue
    await to.keep(user, page)
    page = []
    bytes = 0
  }
  await to.keep(user, page)
  return count
}
