/**
 * The embedded store: one machine, no server, durable. Keys are arrays in LMDB's order; all appends of one turn, of all
 * users, go into one transaction with their dedupe keys (group commit), and resolve after its fdatasync.
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
  type MessageTrace,
  type Retention,
  type Store,
  StoreError,
} from './contract.ts'
import { lockFolder } from './lock.ts'

const version = 1
const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** Rows removed by one call of `expire`: a few milliseconds of the event loop. */
const expireSlice = 2_000
/** A disk with less room than this, in bytes, counts as full when a write fails. */
const fullBytes = 1024 * 1024

type Meta = { epoch: number; tail: Seq; lastTime: Millis; head: Seq }
type Cursors = { cursors: readonly DeviceCursor[]; settled: Seq; epoch: number }
type Tables = {
  readonly root: RootDatabase
  /** [user, seq] -> entry */
  readonly entries: Database<Entry, [string, number]>
  readonly meta: Database<Meta, string>
  readonly cursors: Database<Cursors, string>
  /** [hour, id, user, sender] -> what the append was answered. By hour, so that expiry is one range. */
  readonly dedupe: Database<Appended, [number, string, string, string]>
  /** [day, user] -> the last seq of that day */
  readonly days: Database<number, [number, string]>
  readonly seen: Database<number, string>
  readonly preferences: Database<Settings, string>
  /** Of the store itself. */
  readonly settings: Database<number, string>
  readonly groups: Database<GroupRecord, string>
  /** [term, group] -> 1 */
  readonly noted: Database<number, [number, string]>
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
    const tables = this.#tables
    this.#tables = undefined
    await tables?.root.close()
    this.#unlock?.()
  }

  get #open(): Tables {
    if (!this.#tables) throw new StoreError('closed', 'The store is not open.')
    return this.#tables
  }

  /** One transaction with all that `put` writes; durable when it resolves. */
  async #write(put: (tables: Tables) => void): Promise<void> {
    const tables = this.#open
    try {
      await tables.root.batch(() => put(tables))
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

  async takeTerm(): Promise<number> {
    const term = (this.#open.settings.get('term') ?? 0) + 1
    await this.#write(({ settings }) => void settings.put('term', term))
    return term
  }

  async load(user: UserId): Promise<InboxRecord | undefined> {
    const meta = this.#open.meta.get(user)
    const saved = this.#open.cursors.get(user)
    if (!meta && !saved) return undefined
    const { epoch, tail, lastTime, head } = meta ?? { epoch: saved?.epoch ?? 0, tail: 0, lastTime: 0, head: 1 }
    return { epoch, tail, lastTime, head, cursors: saved?.cursors ?? [], settled: saved?.settled ?? 0 }
  }

  append(user: UserId, epoch: number, _term: number, entries: readonly Entry[]): Promise<void> {
    return this.#write((tables) => {
      for (const entry of entries) {
        void tables.entries.put([user, entry.seq], entry)
        if (entry.is === 'receipt') continue
        const sender = entry.is === 'message' ? entry.from : user
        void tables.dedupe.put([hour(entry.time), entry.id, user, sender], { seq: entry.seq, time: entry.time })
      }
      const last = entries.at(-1)
      if (!last) return
      markDays(tables, user, entries)
      const { head, tail } = tables.meta.get(user) ?? { head: 1, tail: 0 }
      if (last.seq > tail) void tables.meta.put(user, { epoch, tail: last.seq, lastTime: last.time, head })
    })
  }

  async read(user: UserId, from: Seq, limit: number, bytes: number): Promise<readonly Entry[]> {
    const entries: Entry[] = []
    let size = 0
    for (const { value } of this.#open.entries.getRange({
      start: [user, from],
      end: [user, Number.MAX_SAFE_INTEGER],
      limit,
    })) {
      size += value.is === 'receipt' ? 0 : value.body.length
      if (size > bytes && entries.length > 0) break
      entries.push(plain(value))
    }
    return entries
  }

  async findRepeats(user: UserId, keys: readonly DedupeKey[]): Promise<readonly (Appended | undefined)[]> {
    const { dedupe } = this.#open
    const newest = hour(Date.now()) + 1
    const oldest = newest - Math.ceil(this.#options.dedupeMs / hourMs) - 2
    return keys.map(({ sender, id }) => {
      for (let at = newest; at >= oldest; at--) {
        const found = dedupe.get([at, id, user, sender])
        if (found) return found
      }
      return undefined
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
      for (const key of tables.dedupe.getKeys({ end: [oldHour, '', '', ''], limit: expireSlice })) {
        void tables.dedupe.remove(key)
        removed.dedupeKeys += 1
      }
      const oldDay = Math.floor((now - this.#options.retentionMs) / dayMs)
      for (const { key, value: last } of tables.days.getRange({ end: [oldDay, ''] })) {
        removed.entries += expireDay(tables, key, last, expireSlice - removed.entries)
        if (removed.entries >= expireSlice) break
      }
    })
    return removed
  }

  async trace(id: MessageId): Promise<readonly MessageTrace[]> {
    const { dedupe } = this.#open
    const traces: MessageTrace[] = []
    const newest = hour(Date.now()) + 1
    for (let at = newest - Math.ceil(this.#options.dedupeMs / hourMs) - 2; at <= newest; at++) {
      for (const { key, value } of dedupe.getRange({ start: [at, id, '', ''], end: [at, `${id}~`, '', ''] })) {
        traces.push({ recipient: key[2] as UserId, sender: key[3] as UserId, ...value })
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

/** lmdb gives bytes back as a Buffer, which JSON would not write as bytes. */
function plain(entry: Entry): Entry {
  if (entry.is === 'receipt') return entry
  const { body, media } = entry
  const preview = media?.preview
  return {
    ...entry,
    ...(typeof body !== 'string' && { body: bytes(body) }),
    ...(media && preview && { media: { ...media, preview: bytes(preview) } }),
  }
}

const bytes = ({ buffer, byteOffset, byteLength }: Uint8Array) => new Uint8Array(buffer, byteOffset, byteLength)

/** Marks the last seq of each day that these entries reach into. */
function markDays({ days }: Tables, user: UserId, entries: readonly Entry[]): void {
  for (const [index, { seq, time }] of entries.entries()) {
    const day = Math.floor(time / dayMs)
    const next = entries[index + 1]
    if (next && Math.floor(next.time / dayMs) === day) continue
    if (seq > (days.get([day, user]) ?? 0)) void days.put([day, user], seq)
  }
}

const hour = (time: Millis): number => Math.floor(time / hourMs)

/** Removes one user's entries of a day that is over, up to `room` of them; the mark of the day goes with the last. */
function expireDay(tables: Tables, key: [number, string], last: Seq, room: number): number {
  const user = key[1]
  const keys = [...tables.entries.getKeys({ start: [user, 0], end: [user, last + 1], limit: room })]
  for (const entry of keys) void tables.entries.remove(entry)
  const meta = tables.meta.get(user)
  const head = keys.length < room ? last + 1 : (keys.at(-1)?.[1] ?? last) + 1
  if (meta) void tables.meta.put(user, { ...meta, head })
  if (keys.length < room) void tables.days.remove(key)
  return Math.max(keys.length, 1)
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
  const table = <V, K extends string | number | (string | number)[]>(name: string): Database<V, K> =>
    root.openDB<V, K>({ name })
  return {
    root,
    entries: table('entries'),
    meta: table('meta'),
    cursors: table('cursors'),
    dedupe: table('dedupe'),
    days: table('days'),
    seen: table('seen'),
    preferences: table('preferences'),
    settings: table('settings'),
    groups: table('groups'),
    noted: table('noted'),
  }
}
