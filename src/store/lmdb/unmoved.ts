/** What of the inboxes is in the journal, and may not be in the tables yet: it is in memory, too. */
import type { Seq, UserId } from '../../protocol/ids.ts'
import { StoreError } from '../error.ts'
import { began } from '../lives.ts'
import type { Fresh } from './inbox.ts'
import { bytesOf, type Packed } from './packed.ts'
import type { Append } from './rows.ts'
import type { Tables } from './tables.ts'

export class Unmoved {
  readonly #tables: Tables
  readonly #fresh = new Map<UserId, Fresh>()
  /** Whose tables are damaged: what the journal has of them stays out of these. */
  readonly #stuck = new Map<UserId, StoreError>()
  #bytes = 0

  constructor(tables: Tables) {
    this.#tables = tables
  }

  get bytes(): number {
    return this.#bytes
  }

  of(user: UserId): Fresh | undefined {
    return this.#fresh.get(user)
  }

  users(): IterableIterator<UserId> {
    return this.#fresh.keys()
  }

  get userCount(): number {
    return this.#fresh.size
  }

  /** Those whose tables are damaged, and what the journal has of them. */
  stuck(): { readonly user: UserId; readonly appends: readonly Append[] }[] {
    const all = [...this.#stuck.keys()].map((user) => ({ user, appends: this.#appendsOf(user) }))
    return all.filter(({ appends }) => appends.length > 0)
  }

  /** The highest durable seq of an inbox, 0 for none. Throws where the inbox is damaged. */
  tail(user: UserId): Seq {
    const last = this.of(user)?.entries.at(-1)
    return last ? last.seq : (this.#tables.logs.get(user)?.tail ?? 0)
  }

  /** Throws where the tables of a user were found to be damaged, or are. */
  check(user: UserId): void {
    const stuck = this.#stuck.get(user)
    if (stuck) throw stuck
    this.tail(user)
  }

  /** Without what is there already: it was repeated after an unknown outcome. */
  news(appends: readonly Append[]): Append[] {
    const tails = new Map<UserId, Seq>()
    const all: Append[] = []
    for (const append of appends) {
      const { user, entries } = append
      const tail =
        tails.get(user) ?? (this.#stuck.has(user) ? (this.of(user)?.entries.at(-1)?.seq ?? 0) : this.tail(user))
      const news = (entries[0]?.seq ?? 0) > tail ? entries : entries.filter(({ seq }) => seq > tail)
      const last = news.at(-1)
      if (!last) continue
      tails.set(user, last.seq)
      all.push(news === entries ? append : { ...append, entries: news })
    }
    return all
  }

  keep(appends: readonly Append[]): void {
    for (const { user, epoch, term, entries } of appends) {
      const kept = this.of(user) ?? this.#begin(user, epoch)
      kept.lives = began(kept.lives, { term, from: entries[0]?.seq ?? 0 })
      kept.entries.push(...entries)
      this.#bytes += bytesOf(entries)
    }
  }

  #begin(user: UserId, epoch: number): Fresh {
    const fresh: Fresh = { epoch, entries: [], lives: [] }
    this.#fresh.set(user, fresh)
    return fresh
  }

  /** The tables have these: the first of what is kept of a user. */
  forget(user: UserId, moved: readonly Packed[]): void {
    const fresh = this.of(user)
    if (!fresh) return
    fresh.entries.splice(0, moved.length)
    if (fresh.entries.length === 0) this.#fresh.delete(user)
    this.#bytes -= bytesOf(moved)
  }

  /** False: the tables of this user are damaged, which they say before anything is put. */
  try(user: UserId, task: () => void): boolean {
    try {
      task()
      return true
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'corrupt')) throw error
      this.#stuck.set(user, error)
      return false
    }
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
}
