/**
 * Group commit: one transaction at a time, and all that is written while it runs goes into the next one. The first that fails for
 * another reason than want of space is the last: lmdb 3.5 writes its message about a page that it could not write past the end of
 * 100 bytes, and the process dies of that at the second or third; and what is on such a disk is not known.
 */
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { StoreError } from '../error.ts'
import { type File, failed, full, Room, type WriteZeros } from './room.ts'

/** A disk with less room than this, in bytes, counts as full when a write fails. */
const fullBytes = 1024 * 1024

/** `done` runs when it is durable, before the next transaction begins. `frees`: it makes room, and has some on a full disk, too. */
type How = { readonly done?: () => void; readonly frees?: boolean }
type Write<Tables> = {
  readonly put: (tables: Tables) => void
  readonly done?: (() => void) | undefined
  /** It reads what may be written in the same transaction. */
  readonly reads?: boolean
}
/** What belongs to every transaction. */
type Each<Tables> = { put(tables: Tables): void; done(): void }
type Transaction<Tables> = {
  readonly writes: Write<Tables>[]
  readonly frees: boolean
  readonly committed: Promise<void>
}

export class Commits<Tables extends File> {
  readonly room: Room
  readonly #tables: Tables
  readonly #folder: string
  readonly #broke: (error: StoreError) => void
  readonly #each: Each<Tables> | undefined
  #next: Transaction<Tables> | undefined
  /** The last transaction, or room that is made, whatever became of it. */
  #last: Promise<void> = Promise.resolve()
  #making: Promise<void> | undefined
  /** Why the last transaction failed; undefined: it did not. */
  #failed: StoreError | undefined

  /**
   * `path`: of the file with the tables. `broke` is told of the failure after which nothing more is written. `each`: what the end of each
   * transaction writes. `write`: how room is made.
   */
  constructor(
    tables: Tables,
    path: string,
    broke: (error: StoreError) => void,
    each?: Each<Tables>,
    write?: WriteZeros,
  ) {
    this.room = new Room(tables, path, dirname(path), write)
    this.#tables = tables
    this.#folder = dirname(path)
    this.#broke = broke
    this.#each = each
  }

  /** Why nothing more is written, or the last transaction failed. */
  get failed(): StoreError | undefined {
    return this.#failed
  }

  /** Nothing more is written, and the memory of the process may be damaged. */
  get broken(): boolean {
    return this.#failed?.code === 'failed'
  }

  /** Throws where nothing more may be written. */
  check(): void {
    if (this.#failed && this.broken) throw this.#failed
  }

  /** Nothing more may be written: what belongs to the tables, and is not in the file, cannot be. */
  stop(error: StoreError): void {
    if (this.broken) return
    this.#failed = error
    this.#broke(error)
  }

  /** Durable when it resolves. */
  write(put: (tables: Tables) => void, { done, frees = false }: How = {}): Promise<void> {
    return this.#add({ put, done }, frees)
  }

  /** Reads and rewrites what is there: no write of this process or of another comes between. */
  async change<Result>(change: (tables: Tables) => Result, { frees = false }: How = {}): Promise<Result> {
    const results: Result[] = []
    await this.#add({ put: (tables) => void results.push(change(tables)), reads: true }, frees)
    return results[0] as Result
  }

  /** Makes room for what is appended, before the next transaction. A full disk is no failure. */
  makeRoom(): Promise<void> {
    if (this.#making) return this.#making
    const making = this.#last
      .then(() => this.#makeRoom())
      .finally(() => {
        this.#making = undefined
      })
    this.#making = making
    this.#last = making.catch(() => {})
    return making
  }

  async #makeRoom(): Promise<void> {
    this.check()
    try {
      await this.room.make()
    } catch (cause) {
      throw await this.#fail(cause)
    }
  }

  /**
   * What makes room has a transaction of its own: no other write may take what is kept for it, or keep it from that. On a full disk each has one
   * alone, since it may take all that there is; and of the others no more go together than there is room for.
   */
  #add(write: Write<Tables>, frees: boolean): Promise<void> {
    const most = frees && this.room.refused ? 1 : this.room.rows(Number.POSITIVE_INFINITY)
    if (this.#next?.frees !== frees || this.#next.writes.length >= most) this.#next = this.#begin(frees)
    this.#next.writes.push(write)
    return this.#next.committed
  }

  /** It commits after this turn of the event loop, and after the transaction before it. */
  #begin(frees: boolean): Transaction<Tables> {
    const committed = Promise.all([new Promise(setImmediate), this.#last]).then(() => this.#commit(transaction))
    const transaction: Transaction<Tables> = { writes: [], frees, committed }
    this.#last = committed.catch(() => {})
    return transaction
  }

  async #commit(transaction: Transaction<Tables>): Promise<void> {
    const { writes, frees } = transaction
    if (this.#next === transaction) this.#next = undefined
    this.check()
    const { root } = this.#tables
    const put = () => {
      for (const { put } of writes) put(this.#tables)
      this.#each?.put(this.#tables)
    }
    try {
      await this.room.prepare(frees)
      // Only in a transaction of lmdb's do reads see what it has written; in a batch, writes cost this thread less.
      await (writes.some(({ reads }) => reads) ? root.transaction(put) : root.batch(put))
    } catch (cause) {
      throw await this.#fail(cause)
    } finally {
      if (!this.broken) this.room.ended()
    }
    if (!this.broken) this.#failed = undefined
    this.#each?.done()
    for (const { done } of writes) done?.()
  }

  async #fail(error: unknown): Promise<StoreError> {
    const failed = error instanceof StoreError ? error : await failure(this.#folder, await reason(error))
    if (failed.code === 'failed') this.stop(failed)
    else if (!this.broken) this.#failed = failed
    return failed
  }

  /** Waits for what is under way, also where that fails, and closes the file. */
  async close(): Promise<void> {
    for (let last: Promise<void> | undefined; last !== this.#last; ) {
      last = this.#last
      await last
    }
    this.room.close(!this.broken)
    // What a failed write has damaged, closing may stumble over; the end of the process closes as well.
    if (!this.broken) await this.#tables.root.close()
  }
}

/** What LMDB has met in spite of the room that was made. It says EIO also where the disk is full: whether it is, the file system knows. */
async function failure(folder: string, cause: unknown): Promise<StoreError> {
  const [words = '', page] = String(cause)
    .replace(/^Error: /, '')
    .split(/: (Attempting to write page)/)
  const { bavail, bsize } = await statfs(folder)
  const noRoom = bavail * bsize < fullBytes || /MAP_FULL|No space|quota/i.test(words)
  return noRoom && !page ? full(folder, cause) : failed(folder, words, cause)
}

/** Why a commit failed: lmdb rejects with an error that carries a promise of the reason, which rejects too. */
async function reason(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<never> }
  return commitError ? commitError.catch((cause: unknown) => cause) : error
}
