/**
 * Where an append becomes durable: one row for many appends, of all users, at the end of one table. The tables by user get
 * the same entries some seconds later, many of a user at a time, and the rows of the journal go. With three rows for each
 * append, each on a page of its own, 9,000 appends/s cost 81 us of CPU each, and 8 KB of the disk.
 */
import type { Seq, UserId } from '../../protocol/ids.ts'
import type { Entry } from '../contract.ts'
import type { Commits } from './commits.ts'
import { putEntries } from './inbox.ts'
import { type Append, packAppends, pieces, unpackAppends } from './rows.ts'
import type { Tables } from './tables.ts'

/** Milliseconds that entries stay in the journal, and how many at most: they are in memory, too. */
const settleMs = 5_000
const settleEntries = 16_384
/** Entries that move to the tables in one transaction, at least: one or two milliseconds of the event loop. */
const entriesAtOnce = 256

/** What one user has in the journal, in seq order. */
type Fresh = { readonly epoch: number; readonly entries: Entry[] }
/** The first `count` of what a user has in the journal. */
type Share = { readonly user: UserId; readonly count: number }

export class Journal {
  readonly #tables: Tables
  readonly #commits: Commits
  readonly #fresh = new Map<UserId, Fresh>()
  #count = 0
  /** The last row that is durable, and the next to be written. */
  #durable = 0
  #row = 1
  /** Appends of the next transaction. */
  #batch: { readonly appends: Append[]; readonly committed: Promise<void> } | undefined
  #timer: NodeJS.Timeout | undefined
  #settling: Promise<void> | undefined

  constructor(tables: Tables, commits: Commits) {
    this.#tables = tables
    this.#commits = commits
  }

  append(user: UserId, epoch: number, entries: readonly Entry[]): Promise<void> {
    this.#batch ??= this.#begin()
    this.#batch.appends.push({ user, epoch, entries })
    return this.#batch.committed
  }

  #begin() {
    const appends: Append[] = []
    let fresh: Append[] = []
    let row = 0
    const committed = this.#commits.write(
      ({ journal }) => {
        this.#batch = undefined
        fresh = this.#news(appends)
        for (const piece of pieces(fresh)) void journal.put(this.#row++, packAppends(piece))
        row = this.#row - 1
      },
      () => this.#keep(fresh, row),
    )
    return { appends, committed }
  }

  /** Without what is there already: it was repeated after an unknown outcome. */
  #news(appends: readonly Append[]): Append[] {
    const tails = new Map<UserId, Seq>()
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
    return this.of(user)?.entries.at(-1)?.seq ?? this.#tables.logs.get(user)?.tail ?? 0
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
    for (const { user, epoch, entries } of appends) {
      const kept = this.#fresh.get(user)
      if (kept) kept.entries.push(...entries)
      else this.#fresh.set(user, { epoch, entries: [...entries] })
      this.#count += entries.length
    }
    this.#durable = row
    if (this.#count < settleEntries) this.#later()
    else if (!this.#settling) this.settle().catch(() => this.#later())
  }

  #later(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.settle().catch(() => this.#later())
    }, settleMs).unref()
  }

  /** Moves what is in the journal now, of one user or of all, to the tables. Rejects when that failed: then it is in the journal still. */
  settle(user?: UserId): Promise<void> {
    const before = this.#settling?.catch(() => {})
    const settling = (before ?? Promise.resolve())
      .then(() => this.#move(user))
      .finally(() => {
        if (this.#settling === settling) this.#settling = undefined
      })
    this.#settling = settling
    return settling
  }

  async #move(only?: UserId): Promise<void> {
    const upTo = this.#durable
    const users = only === undefined ? [...this.#fresh.keys()] : [only]
    const left = users.map((user) => ({ user, count: this.of(user)?.entries.length ?? 0 }))
    // Where more comes in than goes out, more goes out.
    while (left.length > 0) await this.#moveSome(take(left, Math.max(entriesAtOnce, this.#count >> 4)))
    // The rows stay where only some of what they hold has moved: a process that finds them knows the rest by its seqs.
    if (only === undefined) await this.#remove(upTo)
  }

  #remove(upTo: number): Promise<void> {
    return this.#commits.write(({ journal }) => {
      for (const row of journal.getKeys({ end: upTo + 1 })) void journal.remove(row)
    })
  }

  #moveSome(some: readonly Share[]): Promise<void> {
    return this.#commits.write(
      (tables) => {
        for (const { user, count } of some) {
          const fresh = this.of(user)
          if (fresh) putEntries(tables, user, fresh.epoch, fresh.entries.slice(0, count))
        }
      },
      () => {
        for (const { user, count } of some) this.#forget(user, count)
      },
    )
  }

  #forget(user: UserId, count: number): void {
    const fresh = this.#fresh.get(user)
    if (!fresh) return
    fresh.entries.splice(0, count)
    if (fresh.entries.length === 0) this.#fresh.delete(user)
    this.#count -= count
  }

  /** Takes over what a former process left in the journal. Writes nothing: the disk may be full. */
  recover(): void {
    for (const { key, value } of this.#tables.journal.getRange({})) {
      // A row that was written again after an unknown outcome holds what another holds, too.
      this.#keep(this.#news(unpackAppends(value)), key)
      this.#row = key + 1
    }
  }

  /** What is in the journal stays there, for the next process. */
  close(): void {
    clearTimeout(this.#timer)
  }
}

/** Takes shares with `room` entries in all from what is left, or with as many as there are. */
function take(left: Share[], room: number): Share[] {
  const taken: Share[] = []
  while (room > 0) {
    const share = left.pop()
    if (!share) break
    const count = Math.min(share.count, room)
    taken.push({ ...share, count })
    if (count < share.count) left.push({ ...share, count: share.count - count })
    room -= count
  }
  return taken
}
