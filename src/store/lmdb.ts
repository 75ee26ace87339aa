/**
 * The embedded store: one machine, no server, durable. What is written while a transaction commits goes into the next one
 * (lmdb/commits.ts). Entries are appended to a journal, and move from there to the inboxes (lmdb/journal.ts).
 */
import { mkdirSync } from 'node:fs'
import type { GroupId, MessageId, Millis, Seq, UserId } from '../protocol/ids.ts'
import type { Settings } from '../protocol/settings.ts'
import {
  type Appended,
  type Carrier,
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
import { goneOf, isOver, waitsFor } from './lasting.ts'
import { isSame, renewed, taken } from './leases.ts'
import { Commits } from './lmdb/commits.ts'
import { type Compacted, compactFile, removeCopy } from './lmdb/compact.ts'
import { entriesFrom, expireDay } from './lmdb/inbox.ts'
import { Journal } from './lmdb/journal.ts'
import {
  type Erased,
  eraseEntries,
  eraseHistory,
  everPermanent,
  expireDue,
  findErased,
  lowest,
  readHistory,
  startTimers,
  waiting,
} from './lmdb/lasting.ts'
import { expireRepeats, findRepeats, nameOf, repeatsOf, trace } from './lmdb/repeats.ts'
import { dayOf, fileOf, hourMs, openTables, type Tables } from './lmdb/tables.ts'
import { lockFolder } from './lock.ts'

const version = 3
/** Rows removed by one call of `expire`: a few milliseconds of the event loop. */
const expireSlice = 2_000

/** What is open while the store is. */
type Opened = {
  readonly tables: Tables
  readonly commits: Commits
  readonly journal: Journal
  readonly unlock: () => void
}

/** A store in the folder `path`, which is made if need be and belongs to one process at a time. */
export function lmdbStore(path: string, options: Partial<Retention> = {}): LmdbStore {
  return new LmdbStore(path, { ...defaultRetention, ...options })
}

export class LmdbStore implements Store {
  readonly #path: string
  readonly #options: Retention
  #opened: Opened | undefined

  constructor(path: string, options: Retention) {
    this.#path = path
    this.#options = options
  }

  async open(): Promise<void> {
    const unlock = this.#lock()
    removeCopy(fileOf(this.#path))
    const tables = openTables(this.#path)
    const commits = new Commits(tables, this.#path)
    const journal = new Journal(tables, commits)
    this.#opened = { tables, commits, journal, unlock }
    const found = tables.settings.get('version')
    if (found === undefined) await tables.settings.put('version', version)
    else if (found !== version) {
      await this.close()
      throw new StoreError(
        'version',
        `The data in ${this.#path} is of version ${found}, and this release reads version ${version}.`,
      )
    }
    journal.recover()
  }

  #lock(): () => void {
    try {
      mkdirSync(this.#path, { recursive: true, mode: 0o700 })
      return lockFolder(this.#path)
    } catch (cause) {
      if (cause instanceof StoreError) throw cause
      throw new StoreError(
        'not_writable',
        `The data folder ${this.#path} cannot be written; choose another or change its owner.`,
        { cause },
      )
    }
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    opened?.journal.close()
    await opened?.commits.idle()
    await opened?.tables.root.close()
    opened?.unlock()
  }

  /** Writes the file anew, so that nothing is left in it of what was removed, and closes the store. */
  async compact(): Promise<Compacted> {
    const { journal, unlock } = this.#open
    this.#opened = { ...this.#open, unlock: () => {} }
    try {
      // What was deleted may be in the journal still.
      await journal.settle().finally(() => this.close())
      return await compactFile(fileOf(this.#path))
    } finally {
      unlock()
    }
  }

  get #open(): Opened {
    if (!this.#opened) throw new StoreError('closed', 'The store is not open.')
    return this.#opened
  }

  /** Durable when it resolves. */
  async #write(put: (tables: Tables) => void): Promise<void> {
    return this.#open.commits.write(put)
  }

  /** Reads and rewrites what is there: no write of this process or of another comes between. */
  async #change<Result>(change: (tables: Tables) => Result): Promise<Result> {
    return this.#open.commits.change(change)
  }

  async takeTerm(): Promise<number> {
    return this.#change(nextTerm)
  }

  async load(user: UserId): Promise<InboxRecord | undefined> {
    const { tables, journal } = this.#open
    if (journal.of(user)?.entries.some((entry) => waitsFor(user, entry))) await journal.settle(user)
    const log = tables.logs.get(user)
    const fresh = journal.of(user)
    const saved = tables.cursors.get(user)
    if (!log && !fresh && !saved) return undefined
    const last = fresh?.entries.at(-1)
    return {
      epoch: log?.epoch ?? fresh?.epoch ?? saved?.epoch ?? 0,
      head: log?.head ?? 1,
      tail: last?.seq ?? log?.tail ?? 0,
      lastTime: last?.time ?? log?.lastTime ?? 0,
      cursors: saved?.cursors ?? [],
      settled: saved?.settled ?? 0,
      waiting: waiting(tables, user),
    }
  }

  async append(user: UserId, epoch: number, _term: number, entries: readonly Entry[]): Promise<void> {
    return this.#open.journal.append(user, epoch, entries)
  }

  async read(user: UserId, from: Seq, limit: number, bytes: number, now: Millis): Promise<readonly Entry[]> {
    const { tables, journal } = this.#open
    const found: Entry[] = []
    let size = 0
    for (const held of both(entriesFrom(tables, user, from), journal.of(user)?.entries ?? [], from)) {
      const entry = isOver(held, now) ? goneOf(held) : held
      size += 'body' in entry ? entry.body.length : 0
      if (found.length === limit || (size > bytes && found.length > 0)) break
      found.push(entry)
    }
    return found
  }

  async findRepeats(user: UserId, keys: readonly DedupeKey[]): Promise<readonly (Appended | undefined)[]> {
    const { tables, journal } = this.#open
    const now = Date.now()
    const found = findRepeats(tables, user, keys, now - this.#options.dedupeMs, now + hourMs)
    for (const { sender, id, seq, time } of repeatsOf(user, journal.of(user)?.entries ?? []))
      found.set(nameOf(sender, id), { seq, time })
    return keys.map(({ sender, id }) => found.get(nameOf(sender, id)))
  }

  async startTimers(user: UserId, started: Started, now: Millis): Promise<Seq> {
    await this.#settle(user)
    for (let more = true; more; ) more = await this.#change((tables) => startTimers(tables, user, started, now))
    return lowest(this.#open.tables, user, started.is)
  }

  async erase(user: UserId, chat: UserId, from: Seq, upTo: Seq): Promise<void> {
    await this.#settle(user)
    for (let start: Seq | null = from; start !== null; ) {
      const { seqs, next }: Erased = findErased(this.#open.tables, user, chat, start, upTo)
      await this.#change((tables) => eraseEntries(tables, user, seqs))
      start = next
    }
    for (let more = true; more; ) more = await this.#change((tables) => eraseHistory(tables, user, chat, from, upTo))
  }

  async history(user: UserId, chat: UserId, before: Past | null, limit: number, bytes: number) {
    await this.#settle(user)
    return readHistory(this.#open.tables, user, chat, before, limit, bytes)
  }

  async #settle(user: UserId): Promise<void> {
    if (this.#open.journal.of(user)) await this.#open.journal.settle(user)
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

  async saveCursors(user: UserId, epoch: number, cursors: readonly DeviceCursor[], settled: Seq): Promise<void> {
    return this.#write((tables) => void tables.cursors.put(user, { epoch, cursors, settled }))
  }

  async loadGroup(group: GroupId): Promise<GroupRecord | undefined> {
    return this.#open.tables.groups.get(group)
  }

  saveGroup(group: GroupId, record: GroupRecord): Promise<void> {
    return this.#write(({ groups }) => void groups.put(group, record))
  }

  noteGroup(group: GroupId, term: number): Promise<void> {
    return this.#write(({ noted }) => void noted.put([term, group], 1))
  }

  async notedGroups(): Promise<readonly { readonly group: GroupId; readonly term: number }[]> {
    return [...this.#open.tables.noted.getKeys()].map(([term, group]) => ({ group: group as GroupId, term }))
  }

  forgetGroup(group: GroupId, term: number): Promise<void> {
    return this.#write(({ noted }) => void noted.remove([term, group]))
  }

  async lastSeen(user: UserId): Promise<Millis | undefined> {
    return this.#open.tables.seen.get(user)
  }

  saveLastSeen(user: UserId, at: Millis): Promise<void> {
    return this.#write(({ seen }) => {
      if ((seen.get(user) ?? 0) < at) void seen.put(user, at)
    })
  }

  async settings(user: UserId): Promise<Settings | undefined> {
    return this.#open.tables.preferences.get(user)
  }

  saveSettings(user: UserId, settings: Settings): Promise<void> {
    return this.#write(({ preferences }) => void preferences.put(user, settings))
  }

  async expire(now: Millis): Promise<Expired> {
    const removed = { entries: 0, dedupeKeys: 0 }
    await this.#open.journal.settle()
    await this.#change((tables) => {
      removed.dedupeKeys = expireRepeats(tables, now - this.#options.dedupeMs, expireSlice)
      const oldDay = dayOf(now - this.#options.retentionMs)
      for (const [day, user] of tables.days.getKeys({ end: [oldDay, ''] })) {
        removed.entries += expireDay(tables, day, user, expireSlice - removed.entries)
        if (removed.entries >= expireSlice) break
      }
      removed.entries += expireDue(tables, now)
    })
    return removed
  }

  async trace(id: MessageId): Promise<readonly MessageTrace[]> {
    const { tables, journal } = this.#open
    await journal.settle()
    return [...trace(tables, id)]
  }

  /** Everyone of whom anything is known, for a copy. */
  *users(): Generator<UserId> {
    const { journal, tables } = this.#open
    const { logs, cursors, seen, preferences } = tables
    const fresh = new Set(journal.users())
    yield* fresh
    const known = [logs, cursors, seen, preferences].map((table) => table.getKeys({}) as Iterable<string>)
    for (const [table, keys] of known.entries())
      for (const user of keys)
        if (!fresh.has(user as UserId) && ![logs, cursors, seen].slice(0, table).some((other) => other.doesExist(user)))
          yield user as UserId
  }

  /** What histories keep of entries that have left the inbox, for a copy. */
  *past(user: UserId): Generator<Carrier> {
    const { tables } = this.#open
    const head = tables.logs.get(user)?.head ?? 1
    for (const entry of everPermanent(tables, user)) if (entry.seq < head) yield entry
  }

  async health(): Promise<{ ok: true } | { ok: false; reason: string }> {
    return this.#opened ? { ok: true } : { ok: false, reason: 'the store is not open' }
  }
}

/** Entries of the tables, and then those that only the journal has. */
function* both(settled: Iterable<Entry>, fresh: readonly Entry[], from: Seq): Generator<Entry> {
  let next = from
  for (const entry of settled) {
    yield entry
    next = entry.seq + 1
  }
  for (const entry of fresh) if (entry.seq >= next) yield entry
}

function nextTerm({ settings }: Tables): number {
  const term = (settings.get('term') ?? 0) + 1
  void settings.put('term', term)
  return term
}
