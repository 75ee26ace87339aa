/** Group commit: one transaction at a time, and all that is written while it runs goes into the next one. */
import { statfs } from 'node:fs/promises'
import { StoreError } from '../contract.ts'
import type { Tables } from './tables.ts'

/** A disk with less room than this, in bytes, counts as full when a write fails. */
const fullBytes = 1024 * 1024

type Write = {
  readonly put: (tables: Tables) => void
  readonly then: (() => void) | undefined
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
    this.#next ??= this.#begin()
    this.#next.writes.push({ put, then })
    return this.#next.committed
  }

  /** Reads and rewrites what is there: no write of this process or of another comes between. */
  async change<Result>(change: (tables: Tables) => Result): Promise<Result> {
    try {
      return await this.#tables.root.transaction(() => change(this.#tables))
    } catch (cause) {
      throw await this.#failure(cause)
    }
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
    try {
      await this.#tables.root.batch(() => {
        for (const { put } of writes) put(this.#tables)
      })
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
