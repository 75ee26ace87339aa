/**
 * The way of entries from the journal to the tables by user: some seconds later, many of a user at a time. With three rows for each
 * append, each on a page of its own, 9,000 appends/s cost 81 us of CPU each, and 8 KB of the disk.
 */
import type { UserId } from '../../protocol/ids.ts'
import type { Commits } from './commits.ts'
import { putEntries } from './inbox.ts'
import { bytesOf, firstOf, type Packed } from './packed.ts'
import { packAppends } from './rows.ts'
import type { Tables } from './tables.ts'
import type { Unmoved } from './unmoved.ts'

/**
 * Milliseconds that entries stay in memory where no more come, and where they do; and how many bytes of them, about. A journal write
 * that meets a commit takes six times as long (0.4 and 2.5 ms, on a busy disk), so these are few: with 15 entries of a user in a row
 * in place of four, and two and a half times as much in a commit, fewer pages go to the disk, too.
 */
const [idleMs, busyMs] = [5_000, 20_000]
const flushBytes = 6 * 1024 * 1024
/** Bytes that move in one transaction, at least: two or three milliseconds of the event loop. */
const bytesAtOnce = 256 * 1024

/** The first `count` of what a user has in the journal. */
type Share = { readonly user: UserId; readonly count: number }
/** One move of entries: of these users, or of all. */
type Pass = { all: boolean; readonly users: Set<UserId>; readonly moved: Promise<void> }

/** The records of the journal. */
type Records = {
  /** The last that is durable, and so is in memory. */
  readonly durable: number
  /** Whether the tables are to be told that they have all records up to there. */
  isBehind(upTo: number): boolean
  /** In a transaction: all records up to there are in the tables. */
  applied(upTo: number): void
  /** The transaction is durable. */
  retire(): void
}

export class Moves {
  readonly #unmoved: Unmoved
  readonly #commits: Commits<Tables>
  readonly #records: Records
  #timer: NodeJS.Timeout | undefined
  /** How often something was kept. */
  #kept = 0
  /** The pass that begins when the one before it ends, and that one, whatever becomes of it. */
  #next: Pass | undefined
  #before: Promise<void> = Promise.resolve()
  #moving = false

  constructor(unmoved: Unmoved, commits: Commits<Tables>, records: Records) {
    this.#unmoved = unmoved
    this.#commits = commits
    this.#records = records
  }

  /** Something was kept: it moves when no more comes, or after some time, or now where it is much. */
  soon(): void {
    this.#kept += 1
    if (this.#unmoved.bytes < flushBytes) this.#later()
    else if (!this.#moving && !this.#next) this.move().catch(() => this.#later())
  }

  /** `since`: when the first of what is kept was. */
  #later(since = performance.now()): void {
    if (this.#timer) return
    const seen = this.#kept
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#kept > seen && performance.now() - since < busyMs) this.#later(since)
      else this.move().catch(() => this.#later())
    }, idleMs).unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** Moves what is in the journal now, of one user or of all. Rejects when that failed: then it is in the journal still. */
  move(user?: UserId): Promise<void> {
    this.#next ??= this.#plan()
    if (user === undefined) this.#next.all = true
    else this.#next.users.add(user)
    return this.#next.moved
  }

  #plan(): Pass {
    const moved = this.#before.then(() => {
      this.#next = undefined
      return this.#pass(pass)
    })
    const pass: Pass = { all: false, users: new Set(), moved }
    this.#before = moved.catch(() => {})
    return pass
  }

  async #pass({ all, users }: Pass): Promise<void> {
    this.#moving = true
    try {
      const upTo = this.#records.durable
      const left = [...(all ? this.#unmoved.users() : users)].map((user) => ({ user, count: this.#countOf(user) }))
      while (left.length > 0) await this.#moveSome(left)
      // Where only some of what a record holds has moved, a process that finds it knows the rest by its seqs.
      if (all && this.#records.isBehind(upTo)) await this.#apply(upTo)
    } finally {
      this.#moving = false
    }
  }

  #countOf(user: UserId): number {
    return this.#unmoved.of(user)?.entries.length ?? 0
  }

  /** All has moved, but for what cannot: that is put aside. */
  #apply(upTo: number): Promise<void> {
    return this.#commits.write(
      ({ aside }) => {
        for (const user of aside.getKeys()) void aside.remove(user)
        for (const { user, appends } of this.#unmoved.stuck()) void aside.put(user, packAppends(appends))
        this.#records.applied(upTo)
      },
      { done: () => this.#records.retire(), frees: true },
    )
  }

  #moveSome(left: Share[]): Promise<void> {
    const moved: { readonly user: UserId; readonly entries: readonly Packed[] }[] = []
    return this.#commits.write(
      (tables) => {
        // Where more comes in than goes out, more goes out.
        let room = this.#commits.room.bytes(Math.max(bytesAtOnce, this.#unmoved.bytes >> 4))
        let users = this.#commits.room.rows(left.length)
        for (let share = left.pop(); share; share = room > 0 && --users > 0 ? left.pop() : undefined) {
          const { user, count } = share
          const fresh = this.#unmoved.of(user)
          if (!fresh) continue
          const some = firstOf(fresh.entries.slice(0, count), room)
          if (!this.#unmoved.try(user, () => putEntries(tables, user, fresh, some))) continue
          moved.push({ user, entries: some })
          room = some.length < count ? 0 : room - bytesOf(some)
          if (some.length < count) left.push({ user, count: count - some.length })
        }
      },
      {
        done: () => {
          for (const { user, entries } of moved) this.#unmoved.forget(user, entries)
        },
        frees: true,
      },
    )
  }
}
