/** Group commit: one transaction at a time, and all that is written while it runs goes into the next one. */
import { statfs } from 'node:fs/promises'
import { StoreError } from '../contract.ts'
import type { Tables } from './tables.ts'

/** A disk with less room than this, in bytes, counts as full when a write fails. */
const fullBytes = 1024 * 1024

type Write = {
  readonly put: (tables: Tables) => void
  readonly then?: (() => void) | undefined
  /** It reads what may be written in the same transaction. */
  readonly reads?: boolean
}
type Transaction = { readonly writes: Write[]; readonly committed: Promise<void> }

export class Commits {
  readonly #tables: Tables
  readonly #path: string
  #next: Transaction | undefined
  /** The last transaction, whatever became of it. */
  #last: Promise<void> = Promise.resolve()

  constructor(tables: Tables, path: string) {
    this.#tables = tables
    this.#path = path
  }

  /** Durable when it resolves; `then` runs just before that, and before the next transaction begins. */
  write(put: (tables: Tables) => void, then?: () => void): Promise<void> {
    return this.#add({ put, then })
  }

  /** Reads and rewrites what is there: no write of this process or of another comes between. */
  async change<Result>(change: (tables: Tables) => Result): Promise<Result> {
    const results: Result[] = []
    await this.#add({ put: (tables) => void results.push(change(tables)), reads: true })
    return results[0] as Result
  }

  #add(write: Write): Promise<void> {
    this.#next ??= this.#begin()
    this.#next.writes.push(write)
    return this.#next.committed
  }

  /** Resolves when nothing is under way, also where that failed. */
  async idle(): Promise<void> {
    for (let last: Promise<void> | undefined; last !== this.#last; ) {
      last = this.#last
      await last
    }
  }

  /** It commits after this turn of the event loop, and after the transaction before it. */
  #begin(): Transaction {
    const committed = Promise.all([new Promise(setImmediate), this.#last]).then(() => this.#commit())
    this.#last = committed.catch(() => {})
    return { writes: [], committed }
  }

  async #commit(): Promise<void> {
    const writes = this.#next?.writes ?? []
    this.#next = undefined
    const { root } = this.#tables
    const put = () => {
      for (const { put } of writes) put(this.#tables)
    }
    try {
      // Only in a transaction of lmdb's do reads see what it has written; in a batch, writes cost this thread less.
      await (writes.some(({ reads }) => reads) ? root.transaction(put) : root.batch(put))
    } catch (cause) {
      throw await this.#failure(cause)
    }
    for (const { then } of writes) then?.()
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
}

/** Why a commit failed: lmdb rejects with an error that carries a promise of the reason, which rejects too. */
async function reason(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<never> }
  return commitError ? commitError.catch((cause: unknown) => cause) : error
}
