/**
 * The store for production: Cassandra 5, tables in schema.cql. An append is one mutation of one partition and reads nothing.
 * Rows leave by their TTL, so nothing is deleted; each row carries the term of its writer, so that what a former owner wrote
 * late is dead (cassandra/log.ts).
 */
import type { Client } from 'cassandra-driver'
import type { GroupId, MessageId, Millis, Seq, UserId } from '../protocol/ids.ts'
import type { Settings } from '../protocol/settings.ts'
import { append, begin, mark, type Target } from './cassandra/append.ts'
import type { CassandraOptions } from './cassandra/connection.ts'
import { load, read } from './cassandra/inbox.ts'
import { bucketOf } from './cassandra/log.ts'
import { saveSettings, settings } from './cassandra/preferences.ts'
import { findRepeats, trace } from './cassandra/repeats.ts'
import { defaultRequestLimits, type RequestLimits, Requests } from './cassandra/requests.ts'
import { long, pair } from './cassandra/rows.ts'
import { connectToSchema } from './cassandra/schema.ts'
import {
  type Carrier,
  type DedupeKey,
  type DeviceCursor,
  defaultRetention,
  type Entry,
  type Expired,
  type GroupRecord,
  type InboxRecord,
  type Lease,
  type Retention,
  type Store,
  StoreError,
} from './contract.ts'

const saveQuery = 'UPDATE inboxes SET saved_epoch = ?, cursors = ?, settled = ? WHERE user = ? AND shelf = 0'
const seenQuery = 'SELECT at FROM seen WHERE user = ?'
/** The timestamp is the time itself, so that an earlier time never replaces a later one. */
const seenInsert = 'INSERT INTO seen (user, at) VALUES (?, ?) USING TIMESTAMP ?'
const groupQuery = 'SELECT record FROM chat_groups WHERE id = ?'
const groupInsert = 'INSERT INTO chat_groups (id, record) VALUES (?, ?)'
const noteInsert = 'INSERT INTO noted_groups (shelf, term, id) VALUES (?, ?, ?) USING TTL ?'
const notedQuery = 'SELECT term, id FROM noted_groups WHERE shelf = ?'
const noteDelete = 'DELETE FROM noted_groups WHERE shelf = ? AND term = ? AND id = ?'
const settingQuery = 'SELECT value FROM settings WHERE name = ?'
const termInsert = "INSERT INTO settings (name, value) VALUES ('term', 1) IF NOT EXISTS"
const termUpdate = "UPDATE settings SET value = ? WHERE name = 'term' IF value = ?"

/** Partitions of noted_groups, and that of a group. */
const shelves = 16
const shelfOf = (group: GroupId): number =>
  [...group].reduce((sum, char) => sum + (char.codePointAt(0) ?? 0), 0) % shelves

/** A term that several nodes want at once is tried for so often. */
const termTries = 20
/** Milliseconds for the cluster to say that it is well. */
const healthMs = 2_000

function unbuilt(): never {
  throw new StoreError('unavailable', 'The Cassandra store has no chat lifetimes and no leases yet.')
}

/** A store in a keyspace that has the schema (`bluetick schema apply`). Units and defaults at the options. */
export function cassandraStore(
  options: CassandraOptions & Partial<RequestLimits>,
  retention: Partial<Retention> = {},
): CassandraStore {
  return new CassandraStore(options, { ...defaultRetention, ...retention })
}

export class CassandraStore implements Store {
  readonly #options: CassandraOptions & Partial<RequestLimits>
  readonly #retention: Retention
  #client: Client | undefined
  #requests: Requests | undefined

  constructor(options: CassandraOptions & Partial<RequestLimits>, retention: Retention) {
    this.#options = options
    this.#retention = retention
  }

  async open(): Promise<void> {
    this.#client = await connectToSchema(this.#options)
    this.#requests = new Requests(this.#client, { ...defaultRequestLimits, ...this.#options })
  }

  async close(): Promise<void> {
    const [requests, client] = [this.#requests, this.#client]
    this.#requests = undefined
    this.#client = undefined
    await requests?.idle()
    await client?.shutdown()
  }

  get #open(): Requests {
    if (!this.#requests) throw new StoreError('closed', 'The store is not open.')
    return this.#requests
  }

  async takeTerm(): Promise<number> {
    const requests = this.#open
    let found = await requests.compare(termInsert, [])
    if (!found) return 1
    for (let tries = 0; tries < termTries; tries++) {
      const term = (found?.['value']?.toNumber() ?? 0) + 1
      found = await requests.compare(termUpdate, [long(term), long(term - 1)])
      if (!found) return term
    }
    throw new StoreError('unavailable', 'No term could be taken: too many nodes start at once.')
  }

  async load(user: UserId): Promise<InboxRecord | undefined> {
    return load(this.#open, this.#retention, user)
  }

  async append(user: UserId, epoch: number, term: number, entries: readonly Entry[]): Promise<void> {
    return append(this.#open, { user, epoch, term, retention: this.#retention }, entries)
  }

  async read(user: UserId, from: Seq, limit: number, bytes: number): Promise<readonly Entry[]> {
    return read(this.#open, user, from, limit, bytes)
  }

  async findRepeats(user: UserId, keys: readonly DedupeKey[]) {
    return findRepeats(this.#open, this.#retention.dedupeMs, user, keys)
  }

  async saveCursors(user: UserId, epoch: number, cursors: readonly DeviceCursor[], settled: Seq): Promise<void> {
    const cells = Object.fromEntries(cursors.map(({ device, seq, seenAt }) => [device, pair(seq, seenAt)]))
    await this.#open.write([{ query: saveQuery, params: [epoch, cells, long(settled), user] }])
  }

  async loadGroup(group: GroupId): Promise<GroupRecord | undefined> {
    const [row] = await this.#open.rows(groupQuery, [group])
    return row && JSON.parse(row['record'])
  }

  async saveGroup(group: GroupId, record: GroupRecord): Promise<void> {
    await this.#open.write([{ query: groupInsert, params: [group, JSON.stringify(record)] }])
  }

  async noteGroup(group: GroupId, term: number): Promise<void> {
    const ttl = Math.ceil(this.#retention.retentionMs / 1000)
    await this.#open.write([{ query: noteInsert, params: [shelfOf(group), term, group, ttl] }])
  }

  async notedGroups(): Promise<readonly { readonly group: GroupId; readonly term: number }[]> {
    const rows = await Promise.all(Array.from({ length: shelves }, (_, shelf) => this.#open.rows(notedQuery, [shelf])))
    return rows.flat().map((row) => ({ group: row['id'], term: row['term'] }))
  }

  async forgetGroup(group: GroupId, term: number): Promise<void> {
    await this.#open.write([{ query: noteDelete, params: [shelfOf(group), term, group] }])
  }

  async lastSeen(user: UserId): Promise<Millis | undefined> {
    const [row] = await this.#open.rows(seenQuery, [user])
    return row?.['at'].getTime()
  }

  async saveLastSeen(user: UserId, at: Millis): Promise<void> {
    await this.#open.write([{ query: seenInsert, params: [user, new Date(at), long(at * 1000)] }])
  }

  async settings(user: UserId): Promise<Settings | undefined> {
    return settings(this.#open, user)
  }

  async saveSettings(user: UserId, settings: Settings): Promise<void> {
    return saveSettings(this.#open, user, settings)
  }

  async startTimers(): Promise<Seq> {
    return unbuilt()
  }

  async erase(): Promise<void> {
    return unbuilt()
  }

  async history(): Promise<readonly Carrier[]> {
    return unbuilt()
  }

  async takeLease(): Promise<Lease> {
    return unbuilt()
  }

  async renewLease(): Promise<boolean> {
    return unbuilt()
  }

  async releaseLease(): Promise<void> {
    return unbuilt()
  }

  /** Nothing to do: rows leave by their TTL. */
  async expire(): Promise<Expired> {
    return { entries: 0, dedupeKeys: 0 }
  }

  async trace(id: MessageId) {
    return trace(this.#open, id)
  }

  async health(): Promise<{ readonly ok: true } | { readonly ok: false; readonly reason: string }> {
    if (!this.#requests) return { ok: false, reason: 'the store is not open' }
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, fail) => {
      const seconds = healthMs / 1000
      timer = setTimeout(() => fail(new Error(`the cluster did not answer within ${seconds} s`)), healthMs)
    })
    try {
      await Promise.race([this.#requests.rows(settingQuery, ['version']), late])
      return { ok: true }
    } catch (error) {
      return { ok: false, reason: (error as Error).message }
    } finally {
      clearTimeout(timer)
    }
  }

  /** Makes an inbox that ends where another store's does, for a copy: its entries from the head on are appended after this. */
  async place(user: UserId, record: InboxRecord, term: number): Promise<void> {
    const { epoch, head, tail, lastTime, cursors, settled } = record
    const target: Target = { user, epoch, term, retention: this.#retention }
    await this.saveCursors(user, epoch, cursors, settled)
    if (tail === 0) return
    await this.#open.write(begin(target, bucketOf(Math.min(head, tail)), lastTime))
    await this.#open.write([mark(target, tail, lastTime)])
  }
}
