/** Writes to a storage, one batch at a time: what comes while a write runs goes with the next, all of it or nothing. */
import type { Storage } from './storage.ts'

export class Keeper {
  readonly #storage: Storage
  readonly #failed: (error: unknown) => void
  #changes = new Map<string, unknown>()
  #next: Promise<void> | undefined
  #running: Promise<void> = Promise.resolve()
  readonly #held = new Set<Promise<unknown>>()

  /** `failed` is told of a write that failed. Nothing is written after that. */
  constructor(storage: Storage, failed: (error: unknown) => void) {
    this.#storage = storage
    this.#failed = failed
  }

  /** Resolves when the change is durable; undefined removes. */
  keep(key: string, value: unknown): Promise<void> {
    this.#changes.set(key, value)
    this.#next ??= this.#begin()
    return this.#next
  }

  /** What is kept from now on is not written before this is done, or has failed. */
  hold<T>(work: Promise<T>): Promise<T> {
    const over = () => void this.#held.delete(work)
    this.#held.add(work)
    work.then(over, over)
    return work
  }

  /** Resolves when all is durable that was kept before. */
  written(): Promise<void> {
    return this.#next ?? this.#running
  }

  #begin(): Promise<void> {
    const before = this.#running
    const write = before.then(async () => {
      const changes = this.#changes
      this.#changes = new Map()
      this.#next = undefined
      this.#running = write
      if (this.#held.size > 0) await Promise.allSettled(this.#held)
      return this.#storage.write(changes)
    })
    write.catch(this.#failed)
    return write
  }
}
