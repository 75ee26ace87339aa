/**
 * The embedded store: one machine, no server, durable. Entries are appended to a journal (lmdb/journal.ts), and move from there to
 * tables of LMDB's (lmdb/moves.ts). What else is written while a transaction commits goes into the next one (lmdb/commits.ts).
 */
import { randomInt } from 'node:crypto'
import type { Carrier, Entry, Started } from '../protocol/entry.ts'
import type { ChatId, GroupId, MessageId, Millis, Seq, UserId } from '../protocol/ids.ts'
import { isFlag, isText } from '../protocol/options.ts'
import type { Settings } from '../protocol/settings.ts'
import type { Took } from '../runtime/index.ts'
import type {
  DedupeKey,
  DeviceCursor,
  Expired,
  GroupRecord,
  HistoryPosition,
  InboxRecord,
  LapStore,
  Lives,
  MessageTrace,
  Reads,
  Reckoning,
  ShelfRow,
  Store,
  StoreEvents,
} from './contract.ts'
import { StoreError } from './error.ts'
import { type Compacted, compactFile } from './lmdb/compact.ts'
import { erase } from './lmdb/erase.ts'
import { expire } from './lmdb/expire.ts'
import { closeFolder, type Opened, openFolder } from './lmdb/folder.ts'
import { chatsOf, pastOf, readHistory } from './lmdb/history.ts'
import { loadInbox, readInbox, renameInbox } from './lmdb/inbox.ts'
import { addLink, dropOnce, dropShelf, linksOf, saveShelf, shelfOf, shelvesOf } from './lmdb/keys.ts'
import { lowest, startTimers } from './lmdb/lasting.ts'
import type { Packed } from './lmdb/packed.ts'
import { findRepeats, trace } from './lmdb/repeats.ts'
import { packAppend, packCursors } from './lmdb/rows.ts'
import { fileOf, lastId, type Tables } from './lmdb/tables.ts'
import { beginLife, nextTerm } from './lmdb/terms.ts'
import { ownersOf, usersOf } from './lmdb/users.ts'
import { wipe } from './lmdb/wipe.ts'
import { completeRetention, type Retention } from './retention.ts'

export type LmdbOptions = Retention & {
  /**
   * True: threads write the journal. False, the default: the thread of the event loop does while the disk is fast, which costs less. If
   * the disk hangs in such a write, the node answers nobody until it returns.
   */
  readonly threaded: boolean
}

/** A store in the folder `path`, which is made if need be and belongs to one process at a time. Throws for options that cannot be. */
export function lmdbStore(path: string, options: Partial<LmdbOptions> = {}): LmdbStore {
  if (!isText.fits(path)) throw new TypeError('lmdbStore needs the path of a folder')
  const retention = completeRetention('lmdbStore', options, { threaded: isFlag })
  return new LmdbStore(path, { ...retention, threaded: options.threaded ?? false })
}

/** Users with something in the journal, which a page of all users looks through. */
const mostUnmoved = 1_000

export class LmdbStore implements Store {
  readonly #path: string
  readonly #options: LmdbOptions
  #opened: Opened | undefined

  constructor(path: string, options: LmdbOptions) {
    this.#path = path
    this.#options = options
  }

  async open(events: StoreEvents = { broke: () => {}, damaged: () => {} }): Promise<void> {
    this.#opened = await openFolder(this.#path, events, this.#options)
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    if (opened) await closeFolder(opened)
  }

  /** Writes the file anew, so that nothing is left in it of what was removed, and closes the store. */
  async compact(): Promise<Compacted> {
    const { journal, unlock } = this.#ready()
    this.#opened = { ...this.#ready(), unlock: () => {} }
    try {
      // What was deleted may be in the journal still.
      await journal.settle().finally(() => this.close())
      return await compactFile(fileOf(this.#path))
    } finally {
      unlock()
    }
  }

  /** Moves everything to the file of LMDB's, which alone then has all there is. Nothing is appended meanwhile. */
  async settle(): Promise<void> {
    await this.#ready().journal.settle()
  }

  /** Of a copy that is put back: gives each log another epoch, and takes away what would be given twice. Answers how many users and groups there are. */
  async renameAll(): Promise<number> {
    await this.#ready().journal.flush()
    return this.#ready().commits.change((tables) => {
      const users = [...usersOf(tables, new Set())]
      for (const user of users) renameInbox(tables, user, randomInt(1, 2 ** 31))
      dropOnce(tables)
      return users.length
    })
  }

  #ready(): Opened {
    if (!this.#opened) throw new StoreError('closed', 'The store is not open.')
    return this.#opened
  }

  /** Durable when it resolves. */
  async #write(put: (tables: Tables) => void): Promise<void> {
    return this.#ready().commits.write(put)
  }

  /** Reads and rewrites what is there: no write of this process or of another comes between. */
  async #change<Result>(change: (tables: Tables) => Result): Promise<Result> {
    return this.#ready().commits.change(change)
  }

  /** As the two above: what makes room, and what a node needs that is to do so, is written on a full disk, too. */
  async #writeAlways(put: (tables: Tables) => void): Promise<void> {
    return this.#ready().commits.write(put, { frees: true })
  }

  async #changeAlways<Result>(change: (tables: Tables) => Result): Promise<Result> {
    return this.#ready().commits.change(change, { frees: true })
  }

  async takeTerm(): Promise<number> {
    return this.#changeAlways(nextTerm)
  }

  async load(user: UserId): Promise<InboxRecord | undefined> {
    await this.#flushWhere(user, ({ lasting }) => lasting?.waits !== undefined)
    const { tables, journal } = this.#ready()
    return loadInbox(tables, journal.of(user), user)
  }

  async append(user: UserId, epoch: number, term: number, entries: readonly Entry[]): Promise<void> {
    return this.#ready().journal.append(packAppend(user, epoch, term, entries))
  }

  readonly laps: LapStore = {
    append: (user, epoch, term, entries, done) => {
      try {
        this.#ready().journal.add(packAppend(user, epoch, term, entries), done)
      } catch (error) {
        setImmediate(() => done(error))
      }
    },
    begin: () => this.#opened?.journal.begin(),
  }

  async read(user: UserId, from: Seq, limit: number, bytes: number, now: Millis): Promise<readonly Entry[]> {
    const { tables, journal } = this.#ready()
    return readInbox(tables, journal.of(user), user, from, limit, bytes, now)
  }

  async findRepeats(user: UserId, keys: readonly DedupeKey[], now: Millis) {
    const { tables, journal } = this.#ready()
    return findRepeats(tables, journal.of(user)?.entries ?? [], user, keys, now - this.#options.dedupeMs)
  }

  async startTimers(user: UserId, started: Started, now: Millis): Promise<Seq> {
    await this.#flush(user)
    const { commits } = this.#ready()
    const rows = (most: number) => commits.room.rows(most)
    for (let more = true; more; )
      more = await this.#changeAlways((tables) => startTimers(tables, user, started, now, rows))
    return lowest(this.#ready().tables, user, started.is)
  }

  async erase(user: UserId, chat: UserId, from: Seq, upTo: Seq): Promise<void> {
    await this.#flush(user)
    return erase(this.#ready(), user, chat, from, upTo)
  }

  async history(user: UserId, chat: UserId, before: HistoryPosition | null, limit: number, bytes: number) {
    await this.#flushKept(user)
    return readHistory(this.#ready().tables, user, chat, before, limit, bytes)
  }

  async owners(after: ChatId | null, limit: number): Promise<readonly ChatId[]> {
    // To put all of them in order for each page would take longer than to move them.
    if (this.#ready().journal.userCount > Math.max(limit, mostUnmoved))
      await this.#ready()
        .journal.flush()
        .catch(() => {})
    const { tables, journal } = this.#ready()
    return ownersOf(tables, journal.users(), after, limit)
  }

  async histories(user: UserId): Promise<readonly ChatId[]> {
    await this.#flushKept(user)
    return [...chatsOf(this.#ready().tables, user)]
  }

  async wipe(user: UserId): Promise<void> {
    await this.#flush(user)
    return wipe(this.#ready(), user)
  }

  async #flush(user: UserId): Promise<void> {
    await this.#flushWhere(user, () => true)
  }

  /** Nothing else of the journal comes into a history: most who ask for their chats have nothing of that, and wait for no transaction. */
  async #flushKept(user: UserId): Promise<void> {
    await this.#flushWhere(user, ({ lasting }) => lasting?.kept === true)
  }

  async #flushWhere(user: UserId, is: (entry: Packed) => boolean): Promise<void> {
    const { journal } = this.#ready()
    if (journal.of(user)?.entries.some(is)) await journal.flush(user)
  }

  readonly lives: Lives = {
    begin: (term, name) => this.#changeAlways((tables) => beginLife(tables, term, name)),
    termOf: async (name) => this.#ready().tables.lives.get(name),
    rename: async (user, epoch) => {
      await this.#flush(user)
      return this.#change((tables) => renameInbox(tables, user, epoch))
    },
  }

  async saveCursors(
    user: UserId,
    epoch: number,
    cursors: readonly DeviceCursor[],
    settled: Seq,
    reads?: Reads | null,
  ): Promise<void> {
    return this.#write((tables) => {
      void tables.cursors.put(user, packCursors({ epoch, settled, cursors }))
      for (const [chat, seq] of reads ?? [])
        void (seq > 0 ? tables.reads.put([user, chat], seq) : tables.reads.remove([user, chat]))
    })
  }

  async reads(user: UserId): Promise<Reads> {
    const rows = this.#ready().tables.reads.getRange({ start: [user, ''], end: [user, lastId] })
    return new Map([...rows].map(({ key: [, chat], value }) => [chat as UserId, value]))
  }

  async loadGroup(group: GroupId): Promise<GroupRecord | undefined> {
    return this.#ready().tables.groups.get(group)
  }

  saveGroup(group: GroupId, record: GroupRecord): Promise<void> {
    return this.#write(({ groups }) => void groups.put(group, record))
  }

  noteGroup(group: GroupId, term: number): Promise<void> {
    return this.#write(({ noted }) => void noted.put([term, group], 1))
  }

  async notedGroups(): Promise<readonly { readonly group: GroupId; readonly term: number }[]> {
    return [...this.#ready().tables.noted.getKeys()].map(([term, group]) => ({ group: group as GroupId, term }))
  }

  forgetGroup(group: GroupId, term: number): Promise<void> {
    return this.#write(({ noted }) => void noted.remove([term, group]))
  }

  async lastSeen(user: UserId): Promise<Millis | undefined> {
    return this.#ready().tables.seen.get(user)
  }

  saveLastSeen(seen: ReadonlyMap<UserId, Millis>): Promise<void> {
    return this.#write((tables) => {
      for (const [user, at] of seen) void (at > 0 ? tables.seen.put(user, at) : tables.seen.remove(user))
    })
  }

  async settings(user: UserId): Promise<Settings | undefined> {
    const kept = this.#ready().tables.preferences.get(user)
    // Earlier ones had no such choice.
    return kept && { ...kept, groups: kept.groups ?? 'everyone' }
  }

  saveSettings(user: UserId, settings: Settings): Promise<void> {
    return this.#write(({ preferences }) => void preferences.put(user, settings))
  }

  async bans(): Promise<readonly UserId[]> {
    return [...this.#ready().tables.bans.getKeys()] as UserId[]
  }

  saveBan(user: UserId, banned: boolean): Promise<void> {
    return this.#writeAlways(({ bans }) => void (banned ? bans.put(user, true) : bans.remove(user)))
  }

  async erasures(): Promise<readonly UserId[]> {
    return [...this.#ready().tables.erasures.getKeys()] as UserId[]
  }

  saveErasure(user: UserId, underWay: boolean): Promise<void> {
    return this.#writeAlways(({ erasures }) => void (underWay ? erasures.put(user, true) : erasures.remove(user)))
  }

  async links(user: UserId, from: number): Promise<readonly Uint8Array[]> {
    return linksOf(this.#ready().tables, user, from)
  }

  addLink(user: UserId, n: number, link: Uint8Array): Promise<boolean> {
    return this.#change((tables) => addLink(tables, user, n, link))
  }

  async shelf(user: UserId, identity: string): Promise<ShelfRow | undefined> {
    return shelfOf(this.#ready().tables, user, identity)
  }

  async shelves(user: UserId): Promise<readonly string[]> {
    return shelvesOf(this.#ready().tables, user)
  }

  saveShelf(user: UserId, identity: string, row: ShelfRow): Promise<boolean> {
    return this.#change((tables) => saveShelf(tables, user, identity, row))
  }

  dropShelf(user: UserId, identity: string): Promise<void> {
    return this.#write((tables) => dropShelf(tables, user, identity))
  }

  async reckoning(): Promise<Reckoning | undefined> {
    const { settings } = this.#ready().tables
    const at = settings.get('time')
    return at === undefined ? undefined : { at, doubtMs: settings.get('doubt') ?? 0 }
  }

  saveReckoning({ at, doubtMs }: Reckoning): Promise<void> {
    return this.#writeAlways(({ settings }) => {
      void settings.put('time', at)
      void settings.put('doubt', doubtMs)
    })
  }

  async expire(now: Millis): Promise<Expired> {
    const { commits, journal } = this.#ready()
    // What cannot move, for want of room, is not what is too old; what leaves makes room for it.
    await journal.flush().catch((error: StoreError) => {
      if (error.code !== 'full') throw error
    })
    return this.#changeAlways((tables) => expire(tables, this.#options, now, (most) => commits.room.rows(most)))
  }

  async trace(id: MessageId): Promise<readonly MessageTrace[]> {
    const { tables, journal } = this.#ready()
    await journal.flush()
    return [...trace(tables, id)]
  }

  /** Everyone of whom anything is known, for a copy. */
  users(): Generator<UserId> {
    const { tables, journal } = this.#ready()
    return usersOf(tables, new Set(journal.users()))
  }

  /** What histories keep of entries that have left the inbox, for a copy. */
  past(user: UserId): Generator<Carrier> {
    return pastOf(this.#ready().tables, user)
  }

  /** From what its last write met, and whether there is room for the next. */
  syncs(): Took {
    return this.#ready().journal.syncs.read()
  }

  async health(): Promise<{ ok: true } | { ok: false; reason: string }> {
    try {
      const { commits, journal } = this.#ready()
      await journal.look()
      // The reason may be over, and nobody writes as long as nobody is sent here.
      if (commits.failed) await commits.write(() => {})
      return { ok: true }
    } catch (error) {
      return { ok: false, reason: (error as Error).message }
    }
  }
}
