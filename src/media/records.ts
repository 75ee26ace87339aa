/**
 * The records of the file store, in LMDB: which file holds which content, who refers to it, and until when. They decide: a
 * record is written before its file is made, and a file goes on the list of litter in the write that removes its record. So a
 * crash between any two writes leaves no file that nothing names, and no record of content that is not there.
 */
import { type Database, open, type RootDatabase } from 'lmdb'
import type { Millis, UserId } from '../protocol/ids.ts'
import type { MediaId } from '../protocol/media.ts'
import { Serial } from '../runtime/serial.ts'
import type { StoreError } from '../store/error.ts'
import { Commits } from '../store/lmdb/commits.ts'
import type { Medium } from './contract.ts'

export type Kept = Omit<Medium, 'id'> & { readonly file: string }
type Begun = { readonly file: string; readonly at: Millis }
/** Who keeps what, until when. */
export type Reference = { readonly id: MediaId; readonly holders: readonly string[]; readonly until: Millis }

/** References of one content that wait to be written, by holder. */
type Gathered = { readonly until: Map<string, Millis>; readonly written: Promise<Kept | undefined> }

/** References that one call of `collect`, or one round of `release`, ends: a few milliseconds of the event loop. */
const slice = 500
/** It has room on a full disk, too: with the content go its bytes. */
const frees = { frees: true }
/** Sorts after every id and holder. */
const last = '\u{10ffff}'

export class Records {
  readonly #root: RootDatabase
  readonly #commits: Commits<{ readonly root: RootDatabase }>
  readonly #media: Database<Kept, string>
  /** [user, announced id or a random one] -> an upload that has not ended */
  readonly #begun: Database<Begun, [string, string]>
  /** The same uploads by time. */
  readonly #since: Database<0, [number, string, string]>
  /** [id, holder] -> until when */
  readonly #refs: Database<Millis, [string, string]>
  /** The same references by holder, and by time. A row by time that the reference has outlived counts for nothing. */
  readonly #held: Database<0, [string, string]>
  readonly #ends: Database<0, [number, string, string]>
  /** Files to remove. */
  readonly #litter: Database<0, string>
  /** One change of a medium at a time: each is decided by what the one before has written. */
  readonly #changes = new Serial<string>()
  readonly #waiting = new Map<string, Gathered>()

  constructor(path: string, broke: (error: StoreError) => void) {
    // As in src/store/lmdb/tables.ts: a commit resolves once it is on the disk, and rejects when it is not.
    this.#root = open({ path, maxDbs: 8, cache: false, overlappingSync: false, eventTurnBatching: false })
    this.#media = this.#root.openDB({ name: 'media' })
    this.#begun = this.#root.openDB({ name: 'begun' })
    this.#since = this.#root.openDB({ name: 'since' })
    this.#refs = this.#root.openDB({ name: 'refs' })
    this.#held = this.#root.openDB({ name: 'held' })
    this.#ends = this.#root.openDB({ name: 'ends' })
    this.#litter = this.#root.openDB({ name: 'litter' })
    const tables = { media: this.#media, begun: this.#begun, since: this.#since, refs: this.#refs }
    const others = { held: this.#held, ends: this.#ends, litter: this.#litter }
    this.#commits = new Commits<{ readonly root: RootDatabase }>(
      { root: this.#root, ...tables, ...others },
      path,
      broke,
    )
  }

  close(): Promise<void> {
    return this.#commits.close()
  }

  find(id: MediaId): Kept | undefined {
    return this.#media.get(id)
  }

  begun(user: UserId, key: string): string | undefined {
    return this.#begun.get([user, key])?.file
  }

  /** What a user has begun. */
  begunBy(user: UserId): { readonly key: string; readonly file: string }[] {
    const rows = this.#begun.getRange({ start: [user, ''], end: [user, last] })
    return [...rows].map(({ key: [, key], value: { file } }) => ({ key, file }))
  }

  begin(user: UserId, key: string, begun: Begun): Promise<unknown> {
    return this.#commits.write(() => {
      void this.#begun.put([user, key], begun)
      void this.#since.put([begun.at, user, key], 0)
    })
  }

  /**
   * The upload's file holds this content from here on; where the content is here already, the file is litter. Undefined: the upload was
   * dropped meanwhile.
   */
  finish(user: UserId, key: string, kept: Kept, { id, holders, until }: Reference): Promise<Kept | undefined> {
    return this.#changes.run(id, async () => {
      const earlier = this.#media.get(id)
      return this.#commits.change(() => {
        if (this.begun(user, key) !== kept.file) return undefined
        this.#ended(user, key)
        if (earlier) void this.#litter.put(kept.file, 0)
        else void this.#media.put(id, kept)
        for (const holder of holders) if (this.#until(id, holder) < until) this.#put(id, holder, until)
        return earlier ?? kept
      })
    })
  }

  /** What has ended meanwhile stays. */
  drop(user: UserId, key: string, file: string): Promise<unknown> {
    return this.#commits.change(() => {
      if (this.begun(user, key) !== file) return
      this.#ended(user, key)
      void this.#litter.put(file, 0)
    }, frees)
  }

  /** What comes for one content while a change of it is under way is written together after that. */
  refer({ id, holders, until }: Reference): Promise<Kept | undefined> {
    const waiting = this.#waiting.get(id) ?? this.#gather(id)
    for (const holder of holders) waiting.until.set(holder, Math.max(until, waiting.until.get(holder) ?? 0))
    return waiting.written
  }

  #gather(id: MediaId): Gathered {
    const until = new Map<string, Millis>()
    const written = this.#changes.run(id, async () => {
      this.#waiting.delete(id)
      const kept = this.#media.get(id)
      const longer = [...until].filter(([holder, until]) => this.#until(id, holder) < until)
      if (kept && longer.length > 0)
        await this.#commits.write(() => {
          for (const [holder, until] of longer) this.#put(id, holder, until)
        })
      return kept
    })
    const gathered = { until, written }
    this.#waiting.set(id, gathered)
    return gathered
  }

  async release(prefix: string, id: MediaId | undefined): Promise<void> {
    for (const keys of this.held(prefix))
      await this.#unrefer(keys.flatMap(([holder, held]) => (id === undefined || held === id ? [[held, holder]] : [])))
  }

  /** [holder, id] of references by the prefix of their holders, slice by slice: each is read when it is asked for. */
  *held(prefix: string): Generator<[string, string][]> {
    let start: [string, string] = [prefix, '']
    for (;;) {
      const keys = [...this.#held.getKeys({ start, end: [prefix + last, ''], limit: slice })]
      const [holder, held] = keys.at(-1) ?? []
      if (holder === undefined) return
      yield keys
      start = [holder, `${held}\0`]
    }
  }

  /** Ends what is over at `now`, and uploads begun before `stale`. */
  async collect(now: Millis, stale: Millis): Promise<number> {
    const over = [...this.#ends.getKeys({ end: [now + 1, '', ''], limit: slice })]
    const references = over.map(([, id, holder]): [string, string] => [id, holder])
    await this.#unrefer(references, now)
    await this.#commits.write(() => {
      for (const key of over) void this.#ends.remove(key)
    }, frees)
    const old = [...this.#since.getKeys({ end: [stale, '', ''], limit: slice })]
    for (const [, user, key] of old) await this.drop(user as UserId, key, this.begun(user as UserId, key) ?? '')
    return over.length + old.length
  }

  litter(): string[] {
    return [...this.#litter.getKeys({})]
  }

  removed(files: readonly string[]): Promise<unknown> {
    return this.#commits.write(() => {
      for (const file of files) void this.#litter.remove(file)
    }, frees)
  }

  #ended(user: UserId, key: string): void {
    const begun = this.#begun.get([user, key])
    if (begun) void this.#since.remove([begun.at, user, key])
    void this.#begun.remove([user, key])
  }

  #until(id: string, holder: string): Millis {
    return this.#refs.get([id, holder]) ?? 0
  }

  #put(id: string, holder: string, until: Millis): void {
    void this.#refs.put([id, holder], until)
    void this.#held.put([holder, id], 0)
    void this.#ends.put([until, id, holder], 0)
  }

  /** Drops [id, holder] references, or those of them that are over at `now`; with the last one goes the content. */
  async #unrefer(references: readonly string[][], now: Millis = Number.POSITIVE_INFINITY): Promise<void> {
    const holders = new Map<string, Set<string>>()
    for (const [id = '', holder = ''] of references) holders.set(id, (holders.get(id) ?? new Set()).add(holder))
    await Promise.all([...holders].map(([id, set]) => this.#changes.run(id, () => this.#dropHolders(id, set, now))))
  }

  async #dropHolders(id: string, holders: ReadonlySet<string>, now: Millis): Promise<void> {
    const over = new Map<string, Millis>()
    for (const holder of holders) {
      const until = this.#refs.get([id, holder])
      if (until !== undefined && until <= now) over.set(holder, until)
    }
    const abandoned = this.#onlyHeldBy(id, over)
    await this.#commits.write(() => {
      for (const [holder, until] of over) {
        void this.#refs.remove([id, holder])
        void this.#held.remove([holder, id])
        void this.#ends.remove([until, id, holder])
      }
      const file = abandoned ? this.#media.get(id)?.file : undefined
      if (file === undefined) return
      void this.#litter.put(file, 0)
      void this.#media.remove(id)
    }, frees)
  }

  #onlyHeldBy(id: string, holders: ReadonlyMap<string, Millis>): boolean {
    for (const [, holder] of this.#refs.getKeys({ start: [id, ''], end: [id, last] }))
      if (!holders.has(holder)) return false
    return true
  }
}
