/**
 * The embedded store: one machine, no server, durable. All appends of one turn of the event loop, of all users, go into one
 * transaction with their dedupe keys (group commit), and resolve after its fdatasync. The entries of an append share a row:
 * with a row and its index of days for each entry a message cost twice the CPU.
 */
import { mkdirSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { type Database, open, type RootDatabase } from 'lmdb'
import type { GroupId, MessageId, Millis, Seq, UserId } from '../protocol/ids.ts'
import type { Settings } from '../protocol/settings.ts'
import {
  type Appended,
  type DedupeKey,
  type DeviceCursor,
  defaultRetention,
  type Entry,
  type Expired,
  type GroupRecord,
  type InboxRecord,
  type Lease,
  type MessageTrace,
  type Past,
  type Retention,
  type Started,
  type Store,
  StoreError,
} from './contract.ts'
import { goneOf, isOver } from './lasting.ts'
import { isSame, renewed, taken } from './leases.ts'
import {
  addLasting,
  type Erased,
  eraseEntries,
  eraseHistory,
  expireDue,
  findErased,
  type LastingTables,
  lowest,
  readHistory,
  removeTimers,
  startTimers,
  waiting,
} from './lmdb/lasting.ts'
import { lockFolder } from './lock.ts'
import { packAppended, packRow, unpackAppended, unpackRow } from './rows.ts'

const version = 2
const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** Rows removed by one call of `expire`: a few milliseconds of the event loop. */
const expireSlice = 2_000
/** A disk with less room than this, in bytes, counts as full when a write fails. */
const fullBytes = 1024 * 1024

type Meta = { epoch: number; tail: Seq; lastTime: Millis; head: Seq }
type Cursors = { cursors: readonly DeviceCursor[]; settled: Seq; epoch: number }
type Tables = LastingTables & {
  readonly root: RootDatabase
  /** [user, seq of the first] -> entries that were appended together on one day (rows.ts) */
  readonly entries: Database<Uint8Array, [string, number]>
  readonly meta: Database<Meta, string>
  readonly cursors: Database<Cursors, string>
  /** hour, id, user and sender (`repeatKey`) -> what the append was answered. By hour, so that expiry is one range. */
  readonly dedupe: Database<Uint8Array, string>
  /** [day, user]: the inbox got entries on that day */
  readonly days: Database<true, [number, string]>
  readonly seen: Database<number, string>
  readonly preferences: Database<Settings, string>
  /** Of the store itself. */
  readonly settings: Database<number, string>
  readonly groups: Database<GroupRecord, string>
  /** [term, group] -> 1 */
  readonly noted: Database<number, [number, string]>
  readonly leases: Database<Lease, string>
}

/** A store in the folder `path`, which is made if need be and belongs to one process at a time. */
export function lmdbStore(path: string, options: Partial<Retention> = {}): LmdbStore {
  return new LmdbStore(path, { ...defaultRetention, ...options })
}

export class LmdbStore implements Store {
  readonly #path: string
  readonly #options: Retention
  #tables: Tables | undefined
  #unlock: (() => void) | undefined
  /** What this turn of the event loop writes, and its commit. */
  #turn: { readonly puts: ((tables: Tables) => void)[]; readonly committed: Promise<void> } | undefined

  constructor(path: string, options: Retention) {
    this.#path = path
    this.#options = options
  }

  async open(): Promise<void> {
    try {
      mkdirSync(this.#path, { recursive: true, mode: 0o700 })
      this.#unlock = lockFolder(this.#path)
    } catch (cause) {
      if (cause instanceof StoreError) throw cause
      throw new StoreError(
        'not_writable',
        `The data folder ${this.#path} cannot be written; choose another or change its owner.`,
        { cause },
      )
    }
    this.#tables = openTables(this.#path)
    const { settings } = this.#tables
    const found = settings.get('version')
    if (found === undefined) await settings.put('version', version)
    else if (found !== version) {
      await this.close()
      throw new StoreError(
        'version',
        `The data in ${this.#path} is of version ${found}, and this release reads version ${version}.`,
      )
    }
  }

  async close(): Promise<void> {
    await this.#turn?.committed.catch(() => {})
    const tables = this.#tables
    this.#tables = undefined
    await tables?.root.close()
    this.#unlock?.()
  }

  get #open(): Tables {
    if (!this.#tables) throw new StoreError('closed', 'The store is not open.')
    return this.#tables
  }

  /** Writes in the transaction of this turn; durable when it resolves. */
  #write(put: (tables: Tables) => void): Promise<void> {
    if (!this.#tables) return Promise.reject(new StoreError('closed', 'The store is not open.'))
    this.#turn ??= { puts: [], committed: new Promise(setImmediate).then(() => this.#commit()) }
    this.#turn.puts.push(put)
    return this.#turn.committed
  }

  async #commit(): Promise<void> {
    const puts = this.#turn?.puts ?? []
    this.#turn = undefined
    const tables = this.#open
    try {
      await tables.root.batch(() => {
        for (const put of puts) put(tables)
      })
    } catch (cause) {
      throw await this.#failure(cause)
    }
  }

  /** lmdb says EIO also where the disk is full: whether it is, the file system knows. */
  async #failure(error: unknown): Promise<StoreError> {
    const cause = await reason(error)
    const { bavail, bsize } = await statfs(this.#path)
    const full = bavail * bsize < fullBytes || /MAP_FULL|ENOSPC|No space/i.test(String(cause))
    return full
      ? new StoreError('full', `The disk of ${this.#path} is full; make room, and the node goes on.`, { cause })
      : new StoreError('unavailable', `Writing to ${this.#path} failed: ${String(cause)}`, { cause })
  }

  /** Reads and rewrites what is there: no write of this process or of another comes between. */
  async #change<Result>(change: (tables: Tables) => Result): Promise<Result> {
    const tables = this.#open
    try {
      return await tables.root.transaction(() => change(tables))
    } catch (cause) {
      throw await this.#failure(cause)
    }
  }

  async takeTerm(): Promise<number> {
    return this.#change(nextTerm)
  }

  async load(user: UserId): Promise<InboxRecord | undefined> {
    const meta = this.#open.meta.get(user)
    const saved = this.#open.cursors.get(user)
    if (!meta && !saved) return undefined
    const { epoch, tail, lastTime, head } = meta ?? { epoch: saved?.epoch ?? 0, tail: 0, lastTime: 0, head: 1 }
    const [cursors, settled] = [saved?.cursors ?? [], saved?.settled ?? 0]
    return { epoch, tail, lastTime, head, cursors, settled, waiting: waiting(this.#open, user) }
  }

  append(user: UserId, epoch: number, _term: number, entries: readonly Entry[]): Promise<void> {
    return this.#write((tables) => {
      const meta = tables.meta.get(user) ?? { head: 1, tail: 0, lastTime: 0 }
      // What is there already was repeated after an unknown outcome.
      const fresh = meta.tail > 0 ? entries.filter(({ seq }) => seq > meta.tail) : entries
      const last = fresh.at(-1)
      if (!last) return
      for (const row of byDay(fresh)) putRow(tables, user, row, meta.lastTime)
      void tables.meta.put(user, { epoch, tail: last.seq, lastTime: last.time, head: meta.head })
    })
  }

  async read(user: UserId, from: Seq, limit: number, bytes: number, now: Millis): Promise<readonly Entry[]> {
    const found: Entry[] = []
    let size = 0
    const { entries } = this.#open
    // The row that holds `from` starts at it or before.
    const [first = [user, from]] = entries.getKeys({ start: [user, from], end: [user, 0], limit: 1, reverse: true })
    for (const { value } of entries.getRange({ start: first, end: [user, Number.MAX_SAFE_INTEGER] })) {
      for (const held of unpackRow(value)) {
        if (held.seq < from) continue
        const entry = isOver(held, now) ? goneOf(held) : held
        size += 'body' in entry ? entry.body.length : 0
        if (found.length === limit || (size > bytes && found.length > 0)) return found
        found.push(entry)
      }
    }
    return found
  }

  async findRepeats(user: UserId, keys: readonly DedupeKey[]): Promise<readonly (Appended | undefined)[]> {
    const { dedupe } = this.#open
    const newest = hour(Date.now()) + 1
    const oldest = newest - Math.ceil(this.#options.dedupeMs / hourMs) - 2
    return keys.map(({ sender, id }) => {
      for (let at = newest; at >= oldest; at--) {
        const found = dedupe.get(repeatKey(at, id, user, sender))
        if (found) return unpackAppended(found)
      }
      return undefined
    })
  }

  async startTimers(user: UserId, started: Started, now: Millis): Promise<Seq> {
    for (let more = true; more; ) more = await this.#change((tables) => startTimers(tables, user, started, now))
    return lowest(this.#open, user, started.is)
  }

  async erase(user: UserId, chat: UserId, from: Seq, upTo: Seq): Promise<void> {
    for (let start: Seq | null = from; start !== null; ) {
      const { seqs, next }: Erased = findErased(this.#open, user, chat, start, upTo)
      await this.#change((tables) => eraseEntries(tables, user, seqs))
      start = next
    }
    for (let more = true; more; ) more = await this.#change((tables) => eraseHistory(tables, user, chat, from, upTo))
  }

  async history(user: UserId, chat: UserId, before: Past | null, limit: number, bytes: number) {
    return readHistory(this.#open, user, chat, before, limit, bytes)
  }

  takeLease(name: string, holder: string, now: Millis, until: Millis): Promise<Lease> {
    return this.#change((tables) => {
      const held = tables.leases.get(name)
      const lease = taken(held, holder, now, until, () => nextTerm(tables))
      if (lease !== held) void tables.leases.put(name, lease)
      return lease
    })
  }

  renewLease(name: string, lease: Lease, now: Millis, until: Millis): Promise<boolean> {
    return this.#change(({ leases }) => {
      const next = renewed(leases.get(name), lease, now, until)
      if (next) void leases.put(name, next)
      return next !== undefined
    })
  }

  releaseLease(name: string, lease: Lease): Promise<void> {
    return this.#change(({ leases }) => {
      if (isSame(leases.get(name), lease)) void leases.remove(name)
    })
  }

  saveCursors(user: UserId, epoch: number, cursors: readonly DeviceCursor[], settled: Seq): Promise<void> {
    return this.#write((tables) => void tables.cursors.put(user, { epoch, cursors, settled }))
  }

  async loadGroup(group: GroupId): Promise<GroupRecord | undefined> {
    return this.#open.groups.get(group)
  }

  saveGroup(group: GroupId, record: GroupRecord): Promise<void> {
    return this.#write(({ groups }) => void groups.put(group, record))
  }

  noteGroup(group: GroupId, term: number): Promise<void> {
    return this.#write(({ noted }) => void noted.put([term, group], 1))
  }

  async notedGroups(): Promise<readonly { readonly group: GroupId; readonly term: number }[]> {
    return [...this.#open.noted.getKeys()].map(([term, group]) => ({ group: group as GroupId, term }))
  }

  forgetGroup(group: GroupId, term: number): Promise<void> {
    return this.#write(({ noted }) => void noted.remove([term, group]))
  }

  async lastSeen(user: UserId): Promise<Millis | undefined> {
    return this.#open.seen.get(user)
  }

  saveLastSeen(user: UserId, at: Millis): Promise<void> {
    return this.#write(({ seen }) => {
      if ((seen.get(user) ?? 0) < at) void seen.put(user, at)
    })
  }

  async settings(user: UserId): Promise<Settings | undefined> {
    return this.#open.preferences.get(user)
  }

  saveSettings(user: UserId, settings: Settings): Promise<void> {
    return this.#write(({ preferences }) => void preferences.put(user, settings))
  }

  async expire(now: Millis): Promise<Expired> {
    const removed = { entries: 0, dedupeKeys: 0 }
    await this.#write((tables) => {
      const oldHour = hour(now - this.#options.dedupeMs)
      for (const key of tables.dedupe.getKeys({ end: repeatKey(oldHour), limit: expireSlice })) {
        void tables.dedupe.remove(key)
        removed.dedupeKeys += 1
      }
      const oldDay = Math.floor((now - this.#options.retentionMs) / dayMs)
      for (const [day, user] of tables.days.getKeys({ end: [oldDay, ''] })) {
        removed.entries += expireDay(tables, day, user, expireSlice - removed.entries)
        if (removed.entries >= expireSlice) break
      }
    })
    removed.entries += await this.#change((tables) => expireDue(tables, now))
    return removed
  }

  async trace(id: MessageId): Promise<readonly MessageTrace[]> {
    const { dedupe } = this.#open
    const traces: MessageTrace[] = []
    const newest = hour(Date.now()) + 1
    for (let at = newest - Math.ceil(this.#options.dedupeMs / hourMs) - 2; at <= newest; at++) {
      const start = repeatKey(at, id)
      for (const { key, value } of dedupe.getRange({ start, end: `${start}\u{10ffff}` })) {
        const [recipient, sender] = key.slice(start.length).split('\n') as [UserId, UserId]
        traces.push({ recipient, sender, ...unpackAppended(value) })
      }
    }
    return traces
  }

  /** Everyone of whom anything is known, for a copy. */
  *users(): Generator<UserId> {
    const { meta, cursors, seen, preferences } = this.#open
    const known = [meta, cursors, seen, preferences].map((table) => table.getKeys({}) as Iterable<string>)
    for (const [table, keys] of known.entries())
      for (const user of keys)
        if (![meta, cursors, seen].slice(0, table).some((other) => other.doesExist(user))) yield user as UserId
  }

  async health(): Promise<{ ok: true } | { ok: false; reason: string }> {
    return this.#tables ? { ok: true } : { ok: false, reason: 'the store is not open' }
  }
}

/** Why a commit failed: lmdb rejects with an error that carries a promise of the reason, which rejects too. */
async function reason(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<never> }
  return commitError ? commitError.catch((cause: unknown) => cause) : error
}

/** A row of its own for the entries of each day. */
function byDay(entries: readonly Entry[]): (readonly Entry[])[] {
  const [first, last] = [entries[0], entries.at(-1)]
  if (!first || !last || dayOf(first.time) === dayOf(last.time)) return [entries]
  const next = entries.findIndex(({ time }) => dayOf(time) > dayOf(first.time))
  return [entries.slice(0, next), ...byDay(entries.slice(next))]
}

/** `lastTime`: that of the entry before, 0 for none; when it was of the same day, the day is marked already. */
function putRow(tables: Tables, user: UserId, row: readonly Entry[], lastTime: Millis): void {
  const [first] = row
  if (!first) return
  void tables.entries.put([user, first.seq], packRow(row))
  for (const entry of row) {
    if (!('body' in entry)) continue
    const sender = entry.is === 'message' ? entry.from : user
    void tables.dedupe.put(repeatKey(hour(entry.time), entry.id, user, sender), packAppended(entry))
    if (entry.lifetime !== undefined) addLasting(tables, user, entry)
  }
  if (dayOf(first.time) !== dayOf(lastTime)) void tables.days.put([dayOf(first.time), user], true)
}

function nextTerm({ settings }: Tables): number {
  const term = (settings.get('term') ?? 0) + 1
  void settings.put('term', term)
  return term
}

const dayOf = (time: Millis): number => Math.floor(time / dayMs)

/** One string, which costs a third of an array of four; ids hold no line ends. In order of hours until the year 2160. */
const repeatKey = (hour: number, id = '', user?: string, sender?: string): string =>
  user === undefined ? `${hour.toString(36)}${id}` : `${hour.toString(36)}${id}${user}\n${sender}`

const hour = (time: Millis): number => Math.floor(time / hourMs)

/** Removes one user's entries up to a day that is over, about `room` of them; the mark of the day goes with the last. */
function expireDay(tables: Tables, day: number, user: string, room: number): number {
  const meta = tables.meta.get(user)
  let removed = 0
  let head = meta?.head ?? 1
  let done = true
  for (const { key, value } of tables.entries.getRange({ start: [user, 0], end: [user, Number.MAX_SAFE_INTEGER] })) {
    const row = unpackRow(value)
    if (dayOf(row[0]?.time ?? 0) > day) break
    if (removed >= room) {
      done = false
      break
    }
    void tables.entries.remove(key)
    removeTimers(tables, user as UserId, row)
    removed += row.length
    head = key[1] + row.length
  }
  if (meta && head > meta.head) void tables.meta.put(user, { ...meta, head })
  if (done) void tables.days.remove([day, user])
  return Math.max(removed, 1)
}

function openTables(path: string): Tables {
  const root = open({
    path: `${path}/bluetick.mdb`,
    maxDbs: 16,
    cache: false,
    // A commit resolves once it is on the disk, and rejects when it is not: with overlapping syncs `close` hangs after a failure.
    overlappingSync: false,
    // lmdb's own batches leave a rejection that nobody hears, and make a writer who is alone wait: 215 appends/s, against 1,066.
    eventTurnBatching: false,
  })
  const table = <V, K extends string | number | (string | number)[]>(
    name: string,
    encoding: 'msgpack' | 'binary' = 'msgpack',
  ): Database<V, K> => root.openDB<V, K>({ name, encoding })
  return {
    root,
    entries: table('entries', 'binary'),
    meta: table('meta'),
    cursors: table('cursors'),
    dedupe: table('dedupe', 'binary'),
    days: table('days'),
    seen: table('seen'),
    preferences: table('preferences'),
    settings: table('settings'),
    groups: table('groups'),
    noted: table('noted'),
    timers: table('timers'),
    due: table('due'),
    history: table('history', 'binary'),
    leases: table('leases'),
  }
}
