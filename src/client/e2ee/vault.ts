/**
 * The storage of a client with what end-to-end encryption keeps beside the rest. Whoever writes takes along all that has changed here, all or
 * nothing: so no write of the session ever finds keys in the storage that are older than what was done with them.
 */
import type { Storage } from '../storage.ts'

/** Before the keys of what is kept here: the session reads no others. */
const prefix = 'e2ee:'

export class Vault {
  readonly #storage: Storage
  readonly #heed: (changes: ReadonlyMap<string, unknown>) => void
  readonly #loaded: (kept: ReadonlyMap<string, unknown>) => void
  #changed = new Map<string, unknown>()
  #after: (() => void)[] = []
  #last: Promise<void> = Promise.resolve()

  /** `loaded` is told what there is, once; `heed` what the session is about to write: what it sets then goes in the same write. */
  constructor(
    storage: Storage,
    loaded: (kept: ReadonlyMap<string, unknown>) => void,
    heed: (changes: ReadonlyMap<string, unknown>) => void,
  ) {
    this.#storage = storage
    this.#loaded = loaded
    this.#heed = heed
  }

  /** For the session. */
  around(): Storage {
    const { place } = this.#storage
    return {
      ...(place !== undefined && { place }),
      load: async () => {
        const kept = await this.#storage.load()
        this.#loaded(kept)
        return new Map([...kept].filter(([key]) => !key.startsWith(prefix)))
      },
      write: (changes) => this.#write(changes),
      // Not while something of this is being written.
      close: () => this.#last.catch(() => {}).then(() => this.#storage.close()),
    }
  }

  /** Changes that belong together; undefined removes. They are written with the next write. `after`: what is to be done when they are durable. */
  set(changes: readonly (readonly [key: string, value: unknown])[], after?: () => void): void {
    for (const [key, value] of changes) this.#changed.set(`${prefix}${key}`, value)
    if (after) this.#after.push(after)
  }

  /** Resolves when all that was set is durable. */
  flush(): Promise<void> {
    return this.#write(new Map())
  }

  /** After a write that failed none is tried, and whoever waits for one does nothing more. */
  #write(changes: ReadonlyMap<string, unknown>): Promise<void> {
    const write = this.#last.then(async () => {
      this.#heed(changes)
      const all = new Map([...changes, ...this.#changed])
      const after = this.#after
      this.#changed = new Map()
      this.#after = []
      if (all.size > 0) await this.#storage.write(all)
      for (const run of after) run()
    })
    this.#last = write
    write.catch(() => {})
    return write
  }
}
