/**
 * The store for production: Cassandra 5, tables in schema.cql. An append is one mutation of one partition and reads nothing.
 * Rows leave by their TTL, and no message is deleted by itself; each row carries the term of its writer, so that what a former owner wrote
 * late is dead (cassandra/log.ts).
 */
import type { Client } from 'cassandra-driver'
import type { Carrier, Entry, Started } from '../protocol/entry.ts'
import type { ChatId, GroupId, MessageId, Millis, Seq, UserId } from '../protocol/ids.ts'
import { checkOptions, isNumber, isObjectWith, isOneOf, isText, type Rule } from '../protocol/options.ts'
import type { Settings } from '../protocol/settings.ts'
import { Serial } from '../runtime/serial.ts'
import { list, listed } from './cassandra/bans.ts'
import { clusterRows } from './cassandra/cluster.ts'
import { type CassandraOptions, portOf } from './cassandra/connection.ts'
import { erase } from './cassandra/erase.ts'
import { forgetGroup, loadGroup, notedGroups, noteGroup, saveGroup } from './cassandra/groups.ts'
import { health } from './cassandra/health.ts'
import { History } from './cassandra/history.ts'
import { read } from './cassandra/inbox.ts'
import { addLink, dropShelf, links, saveShelf, shelf, shelves } from './cassandra/keys.ts'
import { Logs } from './cassandra/logs.ts'
import { Lost } from './cassandra/lost.ts'
import { mediaRecords } from './cassandra/media.ts'
import { owners, wipe } from './cassandra/people.ts'
import { defaultRequestLimits, Places, type RequestLimits } from './cassandra/places.ts'
import { saveSettings, settings } from './cassandra/preferences.ts'
import { reckoning, saveReckoning } from './cassandra/reckoning.ts'
import { findRepeats, trace } from './cassandra/repeats.ts'
import { Requests } from './cassandra/requests.ts'
import { long, number, pair } from './cassandra/rows.ts'
import { connectToSchema } from './cassandra/schema.ts'
import { Stamps } from './cassandra/stamps.ts'
import { takeTerm } from './cassandra/terms.ts'
import { startTimers } from './cassandra/timers.ts'
import type {
  ClusterStore,
  DedupeKey,
  DeviceCursor,
  Expired,
  GroupRecord,
  HistoryPosition,
  InboxRecord,
  MediaRecords,
  Reads,
  Reckoning,
  ShelfRow,
  Still,
  Store,
  StoreEvents,
} from './contract.ts'
import { StoreError } from './error.ts'
import { completeRetention, type Retention } from './retention.ts'

const saveQuery = 'UPDATE inboxes SET saved_epoch = ?, cursors = ?, settled = ? WHERE user = ? AND shelf = 0'
const readInsert = 'INSERT INTO reads (user, shelf, chat, seq) VALUES (?, 0, ?, ?) USING TTL ?'
const readsQuery = 'SELECT chat, seq FROM reads WHERE user = ? AND shelf = 0'
const seenQuery = 'SELECT at FROM seen WHERE user = ?'
const seenInsert = 'INSERT INTO seen (user, at) VALUES (?, ?)'
const seenDelete = 'DELETE FROM seen WHERE user = ?'
/** Rows of last seen that are written at a time: they are for hundreds of users, and messages go before them. */
const seenAtOnce = 32
/** Terms of which it is remembered what was written. Each remembers some 2 MB at most. */
const spells = 32
const rules: Record<keyof CassandraOptions | keyof RequestLimits, Rule> = {
  contactPoints: {
    words: 'a list of hosts, "address" or "address:port"',
    fits: (hosts) => Array.isArray(hosts) && hosts.length > 0 && hosts.every(isText.fits),
  },
  localDc: isText,
  keyspace: isText,
  consistency: isOneOf('local_quorum', 'quorum', 'each_quorum', 'all'),
  credentials: isObjectWith('{ user, password }'),
  tls: {
    words: 'true, false or { ca, cert, key }',
    fits: (tls) => typeof tls === 'boolean' || typeof tls === 'object',
  },
  timeoutMs: isNumber,
  inFlight: isNumber,
  queued: isNumber,
  queueMs: isNumber,
}

/** A store in a keyspace that has the schema (`bluetick schema apply`). Units and defaults at the options, which throw where they cannot be. */
export function cassandraStore(
  options: CassandraOptions & Partial<RequestLimits>,
  retention: Partial<Retention> = {},
): CassandraStore {
  checkOptions('cassandraStore', options, rules, ['contactPoints', 'localDc', 'keyspace'])
  portOf(options)
  return new CassandraStore(options, completeRetention('cassandraStore', retention))
}

/** Of what the nodes of a cluster agree on: few at a time, and nothing of it waits its turn behind messages. */
const clusterLimits: RequestLimits = { inFlight: 128, queued: 4_096, queueMs: 2_000 }

type Opened = {
  readonly client: Client
  readonly requests: Requests
  readonly history: History
  readonly logs: Logs
  readonly cluster: ClusterStore
  readonly media: MediaRecords
}

export class CassandraStore implements Store {
  readonly #options: CassandraOptions & Partial<RequestLimits>
  readonly #given: Retention
  /** As it is counted from what the clock of the machine says: longer by what that is ahead, shorter by what it is behind. */
  #retention: Retention
  /** What reads rows and then writes them again, by user: two at once could undo each other. */
  #rewrites = new Serial<UserId>()
  /** Terms under which this node writes, the latest last. */
  readonly #spells = new Map<number, CassandraStore>()
  #opened: Opened | undefined
  #lost = new Lost(() => {})
  #clock: { readonly offMs: Millis } = { offMs: 0 }

  constructor(options: CassandraOptions & Partial<RequestLimits>, retention: Retention) {
    this.#options = options
    this.#given = retention
    const off = () => this.#clock.offMs
    this.#retention = {
      get retentionMs() {
        return retention.retentionMs + off()
      },
      get dedupeMs() {
        return retention.dedupeMs + off()
      },
    }
  }

  async open(events?: StoreEvents): Promise<void> {
    this.#lost = new Lost((error) => events?.damaged(error))
    const client = await connectToSchema(this.#options)
    const limits = { ...defaultRequestLimits, ...this.#options }
    const requests = new Requests(client, new Places(limits), new Stamps(0))
    requests.stamps.rise(await takeTerm(requests))
    const cluster = clusterRows(new Requests(client, new Places(clusterLimits), requests.stamps))
    this.#opened = this.#parts(client, requests, cluster)
  }

  #parts(client: Client, requests: Requests, cluster: ClusterStore): Opened {
    const history = new History(requests)
    const logs = new Logs(requests, history, this.#retention)
    const media = mediaRecords(requests, () => this.#clock.offMs)
    return { client, requests, history, logs, cluster, media }
  }

  get datacenter(): string {
    return this.#options.localDc
  }

  under(term: number, still: Still): CassandraStore {
    const known = this.#spells.get(term)
    if (known) return known
    const { client, requests, cluster } = this.#ready()
    const store = new CassandraStore(this.#options, this.#given)
    store.#lost = this.#lost
    store.#rewrites = this.#rewrites
    store.#retention = this.#retention
    store.#opened = store.#parts(client, requests.under(term, still), cluster)
    this.#spells.set(term, store)
    const [oldest] = this.#spells.keys()
    if (this.#spells.size > spells) this.#spells.delete(oldest as number)
    return store
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    await opened?.requests.idle()
    await opened?.client.shutdown()
  }

  #ready(): Opened {
    if (!this.#opened) throw new StoreError('closed', 'The store is not open.')
    return this.#opened
  }

  #requests(): Requests {
    return this.#ready().requests
  }

  get cluster(): ClusterStore {
    return this.#ready().cluster
  }

  get media(): MediaRecords {
    return this.#ready().media
  }

  async takeTerm(): Promise<number> {
    const term = await takeTerm(this.#requests())
    this.#requests().stamps.rise(term)
    return term
  }

  async load(user: UserId, term?: number): Promise<InboxRecord | undefined> {
    const { logs } = this.#ready()
    return term === undefined ? logs.look(user) : this.#rewrites.run(user, () => logs.own(user, term))
  }

  async append(user: UserId, epoch: number, term: number, entries: readonly Entry[]): Promise<void> {
    await this.#ready().logs.append(user, epoch, term, entries)
  }

  async read(user: UserId, from: Seq, limit: number, bytes: number, now: Millis): Promise<readonly Entry[]> {
    const page = { from, limit, bytes, now }
    return this.#lost.heed(read(this.#requests(), this.#retention.retentionMs, user, page))
  }

  async startTimers(user: UserId, started: Started, now: Millis): Promise<Seq> {
    const { requests } = this.#ready()
    return this.#rewrites.run(user, () => startTimers(requests, user, started, now))
  }

  async erase(user: UserId, chat: UserId, from: Seq, upTo: Seq): Promise<void> {
    const { requests, history } = this.#ready()
    return this.#rewrites.run(user, () => erase(requests, history, this.#retention, user, { chat, from, upTo }))
  }

  async history(user: UserId, chat: UserId, before: HistoryPosition | null, limit: number, bytes: number) {
    return this.#ready().history.read(user, chat, before, limit, bytes)
  }

  async findRepeats(user: UserId, keys: readonly DedupeKey[], now: Millis, upTo: Seq) {
    return findRepeats(this.#requests(), now - this.#given.dedupeMs, user, keys, upTo)
  }

  /** One mutation: the rows have one partition key. */
  async saveCursors(
    user: UserId,
    epoch: number,
    cursors: readonly DeviceCursor[],
    settled: Seq,
    reads?: Reads | null,
  ): Promise<void> {
    const cells = Object.fromEntries(cursors.map(({ device, seq, seenAt }) => [device, pair(seq, seenAt)]))
    const query = { query: saveQuery, params: [epoch, cells, long(settled), user] }
    const ttl = Math.ceil(this.#given.retentionMs / 1000)
    const rows = [...(reads ?? [])].map(([chat, seq]) => ({ query: readInsert, params: [user, chat, long(seq), ttl] }))
    await this.#requests().write([query, ...rows], this.#requests().stamps.ordered())
  }

  async reads(user: UserId): Promise<Reads> {
    const rows = await this.#requests().rows(readsQuery, [user])
    return new Map(rows.map((row) => [row['chat'], number(row['seq'])]))
  }

  async owners(after: ChatId | null, limit: number): Promise<readonly ChatId[]> {
    return owners(this.#requests(), after, limit)
  }

  async histories(user: UserId): Promise<readonly ChatId[]> {
    return this.#ready().history.chats(user)
  }

  async wipe(user: UserId): Promise<void> {
    const { requests, history } = this.#ready()
    return this.#rewrites.run(user, () => wipe(requests, history, this.#retention, user))
  }

  async loadGroup(group: GroupId): Promise<GroupRecord | undefined> {
    return loadGroup(this.#requests(), group)
  }

  async saveGroup(group: GroupId, record: GroupRecord): Promise<void> {
    return saveGroup(this.#requests(), group, record)
  }

  async noteGroup(group: GroupId, term: number): Promise<void> {
    return noteGroup(this.#requests(), this.#given, group, term)
  }

  async notedGroups() {
    return notedGroups(this.#requests())
  }

  async forgetGroup(group: GroupId, term: number): Promise<void> {
    return forgetGroup(this.#requests(), group, term)
  }

  async lastSeen(user: UserId): Promise<Millis | undefined> {
    const [row] = await this.#requests().rows(seenQuery, [user])
    return row?.['at'].getTime()
  }

  async saveLastSeen(seen: ReadonlyMap<UserId, Millis>): Promise<void> {
    const { stamps } = this.#requests()
    const rows = [...seen]
    const worker = async () => {
      for (let row = rows.pop(); row; row = rows.pop()) {
        const [user, at] = row
        const insert = { query: seenInsert, params: [user, new Date(at)] }
        await this.#requests().write([at > 0 ? insert : { query: seenDelete, params: [user] }], stamps.ordered())
      }
    }
    await Promise.all(Array.from({ length: seenAtOnce }, worker))
  }

  async settings(user: UserId): Promise<Settings | undefined> {
    return settings(this.#requests(), user)
  }

  async saveSettings(user: UserId, settings: Settings): Promise<void> {
    return saveSettings(this.#requests(), user, settings)
  }

  async bans(): Promise<readonly UserId[]> {
    return listed(this.#requests(), 'banned')
  }

  async saveBan(user: UserId, banned: boolean): Promise<void> {
    return list(this.#requests(), 'banned', user, banned)
  }

  async erasures(): Promise<readonly UserId[]> {
    return listed(this.#requests(), 'erased')
  }

  async saveErasure(user: UserId, underWay: boolean): Promise<void> {
    return list(this.#requests(), 'erased', user, underWay)
  }

  async links(user: UserId, from: number): Promise<readonly Uint8Array[]> {
    return links(this.#requests(), user, from)
  }

  async addLink(user: UserId, n: number, link: Uint8Array): Promise<boolean> {
    return addLink(this.#requests(), user, n, link)
  }

  async shelf(user: UserId, identity: string): Promise<ShelfRow | undefined> {
    return shelf(this.#requests(), user, identity)
  }

  async shelves(user: UserId): Promise<readonly string[]> {
    return shelves(this.#requests(), user)
  }

  async saveShelf(user: UserId, identity: string, row: ShelfRow): Promise<boolean> {
    return saveShelf(this.#requests(), user, identity, row)
  }

  async dropShelf(user: UserId, identity: string): Promise<void> {
    return dropShelf(this.#requests(), user, identity)
  }

  async reckoning(): Promise<Reckoning | undefined> {
    return reckoning(this.#requests())
  }

  goBy(clock: { readonly offMs: Millis }): void {
    this.#clock = clock
  }

  async saveReckoning(known: Reckoning): Promise<void> {
    return saveReckoning(this.#requests(), known)
  }

  /** Nothing to do: rows leave by their TTL. */
  async expire(): Promise<Expired> {
    return { entries: 0, dedupeKeys: 0 }
  }

  async trace(id: MessageId) {
    return trace(this.#requests(), id)
  }

  async health() {
    return this.#opened ? health(this.#opened.requests) : ({ ok: false, reason: 'the store is not open' } as const)
  }

  traffic(): ReturnType<Requests['traffic']> {
    return this.#requests().traffic()
  }

  /** What histories keep of entries that are in no inbox, for a copy. */
  async keep(user: UserId, entries: readonly Carrier[]): Promise<void> {
    await this.#ready().history.keep(user, entries)
  }

  /** Makes an inbox that ends where another store's does, for a copy: its entries from the head on are appended after this. */
  async place(user: UserId, record: InboxRecord, term: number, reads: Reads): Promise<void> {
    await this.saveCursors(user, record.epoch, record.cursors, record.settled, reads)
    if (record.tail > 0) await this.#ready().logs.place(user, record, term)
  }
}
