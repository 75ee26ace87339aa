/**
 * Where an append becomes durable: one row for many appends, of all users, at the end of one table. The tables by user get
 * the same entries some seconds later, many of a user at a time, and the rows of the journal go. With three rows for each
 * append, each on a page of its own, 9,000 appends/s cost 81 us of CPU each, and 8 KB of the disk.
 */
import type { Entry } from '../../protocol/entry.ts'
import type { Seq, UserId } from '../../protocol/ids.ts'
import { StoreError } from '../error.ts'
import { began } from '../lives.ts'
import type { Commits } from './commits.ts'
import { type Fresh, putEntries } from './inbox.ts'
import { type Append, bytesOf, packAppends, pieces, unpackAppends } from './rows.ts'
import type { Tables } from './tables.ts'

/** Milliseconds that entries stay in the journal, and how many bytes of them, about: they are in memory, too. */
const flushMs = 5_000
const flushBytes = 6 * 1024 * 1024
/** Bytes that move to the tables in one transaction, at least: one or two milliseconds of the event loop. */
const bytesAtOnce = 96 * 1024

/** The first `count` of what a user has in the journal. */
type Share = { readonly user: UserId; readonly count: number }
/** One move of entries to the tables: of these users, or of all. */
type Pass = { all: boolean; readonly users: Set<UserId>; readonly moved: Promise<void> }

/** Appends of one transaction. `tails`: of their inboxes, before. */
type Batch = {
  readonly appends: Append[]
  readonly tails: Map<UserId, Seq>
  bytes: number
  readonly committed: Promise<void>
}

export class Journal {
  readonly #tables: Tables
  readonly #commits: Commits<Tables>
  readonly #fresh = new Map<UserId, Fresh>()
  /** Bytes that are in the journal, and that wait to be written to it. */
  #bytes = 0
  #waiting = 0
  /** The last row that is durable, and the next to be written. */
  #durable = 0
  #row = 1
  /** Appends of the next transaction. */
  #batch: Batch | undefined
  #timer: NodeJS.Timeout | undefined
  /** The pass that begins when the one before it ends, and that one, whatever becomes of it. */
  #next: Pass | undefined
  #before: Promise<void> = Promise.resolve()
  #moving = false
  /** Whose tables are damaged: what the journal has of them stays there. */
  readonly #stuck = new Map<UserId, StoreError>()

  constructor(tables: Tables, commits: Commits<Tables>) {
    this.#tables = tables
    this.#commits = commits
  }

  /** Rejects where there is no room, and where the inbox is damaged: no other append of the transaction may fail by that. */
  async append(append: Append): Promise<void> {
    const { user, entries } = append
    const stuck = this.#stuck.get(user)
    if (stuck) throw stuck
    const tail = this.#batch?.tails.get(user) ?? this.tail(user)
    const bytes = bytesOf(entries)
    this.#commits.room.check(this.#bytes + this.#waiting + bytes)
    this.#batch ??= this.#begin()
    this.#batch.appends.push(append)
    this.#batch.tails.set(user, tail)
    this.#batch.bytes += bytes
    this.#waiting += bytes
    return this.#batch.committed
  }

  #begin(): Batch {
    const appends: Append[] = []
    const tails = new Map<UserId, Seq>()
    let fresh: Append[] = []
    let row = 0
    const committed = this.#commits.write(
      ({ journal }) => {
        this.#batch = undefined
        fresh = this.#news(appends, tails)
        for (const piece of pieces(fresh)) void journal.put(this.#row++, packAppends(piece))
        row = this.#row - 1
      },
      () => this.#keep(fresh, row),
    )
    const batch = { appends, tails, bytes: 0, committed }
    // Where there is no room nothing is put.
    const ended = () => {
      if (this.#batch === batch) this.#batch = undefined
      this.#waiting -= batch.bytes
    }
    committed.then(ended, ended)
    return batch
  }

  /** Without what is there already: it was repeated after an unknown outcome. */
  #news(appends: readonly Append[], tails: Map<UserId, Seq>): Append[] {
    return appends.flatMap((append) => {
      const { user, entries } = append
      const tail = tails.get(user) ?? this.tail(user)
      const news = (entries[0]?.seq ?? 0) > tail ? entries : entries.filter(({ seq }) => seq > tail)
      const last = news.at(-1)
      if (!last) return []
      tails.set(user, last.seq)
      return news === entries ? append : { ...append, entries: news }
    })
  }

  /** The highest durable seq of an inbox, 0 for none. */
  tail(user: UserId): Seq {
    const last = this.of(user)?.entries.at(-1)
    if (last) return last.seq
    return this.#stuck.has(user) ? 0 : (this.#tables.logs.get(user)?.tail ?? 0)
  }

  /** What of this user's inbox is durable, and may not be in the tables yet. */
  of(user: UserId): Fresh | undefined {
    return this.#fresh.get(user)
  }

  /** Who has something in the journal. */
  users(): IterableIterator<UserId> {
    return this.#fresh.keys()
  }

  #keep(appends: readonly Append[], row: number): void {
    for (const { user, epoch, term, entries } of appends) {
      const kept = this.#fresh.get(user) ?? { epoch, entries: [], lives: [] }
      this.#fresh.set(user, kept)
      kept.lives = began(kept.lives, { term, from: entries[0]?.seq ?? 0 })
      kept.entries.push(...entries)
      this.#bytes += bytesOf(entries)
    }
    this.#durable = row
    if (this.#bytes < flushBytes) this.#later()
    else if (!this.#moving && !this.#next) this.flush().catch(() => this.#later())
  }

  #later(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.flush().catch(() => this.#later())
    }, flushMs).unref()
  }

  /** Moves what is in the journal now, of one user or of all, to the tables. Rejects when that failed: then it is in the journal still. */
  flush(user?: UserId): Promise<void> {
    this.#next ??= this.#plan()
    if (user === undefined) this.#next.all = true
    else this.#next.users.add(user)
    return this.#next.moved
  }

  #plan(): Pass {
    const moved = this.#before.then(() => {
      this.#next = undefined
      return this.#move(pass)
    })
    const pass: Pass = { all: false, users: new Set(), moved }
    this.#before = moved.catch(() => {})
    return pass
  }

  async #move({ all, users }: Pass): Promise<void> {
    this.#moving = true
    try {
      const upTo = this.#durable
      const left = [...(all ? this.#fresh.keys() : users)].map((user) => ({ user, count: this.#countOf(user) }))
      while (left.length > 0) await this.#moveSome(left)
      // The rows stay where only some of what they hold has moved: a process that finds them knows the rest by its seqs.
      if (all) await this.#remove(upTo)
    } finally {
      this.#moving = false
    }
  }

  #countOf(user: UserId): number {
    return this.of(user)?.entries.length ?? 0
  }

  /** Removes rows whose entries have moved, but for those that cannot: these take the place of the last row. */
  #remove(upTo: number): Promise<void> {
    return this.#commits.write(({ journal }) => {
      for (const row of journal.getKeys({ end: upTo + 1 })) void journal.remove(row)
      const stay = [...this.#stuck.keys()].flatMap((user) => this.#appendsOf(user))
      if (stay.length > 0) void journal.put(upTo, packAppends(stay))
    })
  }

  /** What the journal has of a user, as it was appended. */
  #appendsOf(user: UserId): Append[] {
    const { epoch, entries, lives } = this.of(user) ?? { epoch: 0, entries: [], lives: [] }
    return lives.flatMap(({ term, from }, at) => {
      const end = lives[at + 1]?.from ?? Number.POSITIVE_INFINITY
      const some = entries.filter(({ seq }) => seq >= from && seq < end)
      return some.length > 0 ? [{ user, epoch, term, entries: some }] : []
    })
  }

  #moveSome(left: Share[]): Promise<void> {
    const moved: { readonly user: UserId; readonly entries: readonly Entry[] }[] = []
    return this.#commits.write(
      (tables) => {
        // Where more comes in than goes out, more goes out.
        let room = Math.max(bytesAtOnce, this.#bytes >> 4)
        for (let share = left.pop(); share; share = room > 0 ? left.pop() : undefined) {
          const { user, count } = share
          const fresh = this.of(user)
          if (!fresh) continue
          const [some = []] = pieces(fresh.entries.slice(0, count), undefined, room)
          if (!this.#try(user, () => putEntries(tables, user, fresh, some))) continue
          moved.push({ user, entries: some })
          room = some.length < count ? 0 : room - bytesOf(some)
          if (some.length < count) left.push({ user, count: count - some.length })
        }
      },
      () => {
        for (const { user, entries } of moved) this.#forget(user, entries)
      },
    )
  }

  /** False: the tables of this user are damaged, which they say before anything is put. */
  #try(user: UserId, task: () => void): boolean {
    try {
      task()
      return true
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'corrupt')) throw error
      this.#stuck.set(user, error)
      return false
    }
  }

  #forget(user: UserId, moved: readonly Entry[]): void {
    const fresh = this.of(user)
    if (!fresh) return
    fresh.entries.splice(0, moved.length)
    if (fresh.entries.length === 0) this.#fresh.delete(user)
    this.#bytes -= bytesOf(moved)
  }

  /** Takes over what a former process left in the journal. Writes nothing: the disk may be full. */
  recover(): void {
    for (const { key, value } of this.#tables.journal.getRange({})) {
      const appends = unpackAppends(value)
      for (const { user } of appends) this.#try(user, () => this.tail(user))
      // A row that was written again after an unknown outcome holds what another holds, too.
      this.#keep(this.#news(appends, new Map()), key)
      this.#row = key + 1
    }
  }

  /** What is in the journal stays there, for the next process. */
  close(): void {
    clearTimeout(this.#timer)
  }
}
