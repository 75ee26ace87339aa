/** Which file of the journal is written to, and which comes after it: that is made ready before the one before it is full. */
import type { StoreError } from '../../error.ts'
import { removed, writeError } from '../room.ts'
import type { Claimed, JournalFolder } from './folder.ts'
import type { Marks } from './marks.ts'
import type { Live } from './read.ts'

/** Bytes of a file, at first, which must do also where somebody waits for it, and at most; and milliseconds in which one that is filled is followed by a larger one. */
const [firstSize, mostSize] = [4 * 1024 * 1024, 32 * 1024 * 1024]
/** Bytes that must do where the disk has no room for more. */
const leastSize = 256 * 1024
const fastMs = 10_000
/** Files with what is not in the tables yet, and others: before there are more, everything moves. */
const mostFiles = 3

/** What the files need of the tables. */
type Asked = {
  /** Durable when it resolves; `done` runs before the next transaction begins. */
  change(change: () => void, done: () => void): Promise<void>
  /** Moves everything to the tables. */
  move(): Promise<void>
  /** Nothing may be written any more, here or there. */
  stop(error: StoreError): void
}

export class Files {
  readonly #folder: JournalFolder
  readonly #marks: Marks
  readonly #asked: Asked
  readonly #data: string
  /** Those whose records may be needed, oldest first. */
  #live: Live[]
  #current: Claimed | undefined
  /** The one after it, and that where it is ready; undefined: not needed yet, or it failed. */
  #next: Promise<Claimed> | undefined
  #ready: Claimed | undefined
  #size = firstSize
  /** Nothing is appended until there is another one. */
  #hurried = false
  #claimedAt = Number.NEGATIVE_INFINITY
  /** Why there is no file to write to. */
  #refused: StoreError | undefined

  /** `live`: files of former processes. `data`: for people. */
  constructor(folder: JournalFolder, marks: Marks, live: readonly Live[], asked: Asked, data: string) {
    this.#folder = folder
    this.#marks = marks
    this.#live = [...live]
    this.#asked = asked
    this.#data = data
  }

  /** The file that is written to, where it has room for so many bytes. */
  ready(bytes: number): Claimed | undefined {
    const current = this.#current
    if (!current || current.end + bytes > current.size) return undefined
    if (!this.#next && current.end > current.size / 2) this.#next = this.#ahead(0)
    return current
  }

  /** Throws where the files were removed. */
  check(): void {
    if (this.#current && !this.#current.out.isThere()) throw this.#stop(removed(this.#data))
  }

  /** Throws where there is no room for the next record. */
  async look(): Promise<void> {
    if (!this.#refused) return
    this.#next ??= this.#ahead(0)
    await this.#next
  }

  /** The next one, where the one that is written to has no room for so many bytes. Called once at a time. */
  async file(bytes: number): Promise<Claimed> {
    this.#hurried = true
    try {
      return await this.#follow(bytes)
    } finally {
      this.#hurried = false
    }
  }

  async #follow(bytes: number): Promise<Claimed> {
    for (;;) {
      this.#next ??= this.#ahead(bytes)
      const next = await this.#next.catch((error) => this.#again(bytes, error))
      this.#next = undefined
      this.#ready = undefined
      this.#current?.out.close()
      this.#current = next
      if (next.end + bytes <= next.size) return next
    }
  }

  /** Where the disk has no room for another one, that which is full is used again: once the tables have all of it, nobody needs it. */
  async #again(bytes: number, error: StoreError): Promise<Claimed> {
    if (error.code !== 'full' || !this.#current) throw error
    this.#current.out.close()
    this.#current = undefined
    await this.#asked.move()
    this.#next ??= this.#ahead(bytes)
    return this.#next
  }

  #ahead(bytes: number): Promise<Claimed> {
    const claimed = this.#claim(bytes)
    // Whoever needs it tries again.
    claimed.catch(() => {
      if (this.#next === claimed) this.#next = undefined
    })
    return claimed
  }

  async #claim(bytes: number): Promise<Claimed> {
    try {
      const claimed = await this.#make(bytes)
      this.#refused = undefined
      return claimed
    } catch (cause) {
      const error = writeError(this.#data, cause)
      this.#refused = error
      throw error.code === 'failed' ? this.#stop(error) : error
    }
  }

  async #make(bytes: number): Promise<Claimed> {
    const { store } = this.#marks.now
    if (this.#folder.spares(this.#marks.now).length === 0 && this.#live.length >= mostFiles) await this.#asked.move()
    const now = performance.now()
    if (now - this.#claimedAt < fastMs) this.#size = Math.min(2 * this.#size, mostSize)
    this.#claimedAt = now
    const least = Math.max(2 * bytes, leastSize)
    const number = this.#marks.now.claimed + 1
    const most = Math.max(this.#size, least)
    const size = () => (this.#hurried ? Math.max(firstSize, least) : most)
    const claimed = await this.#folder.claim(store, number, size, least, this.#marks.now)
    const known = () => {
      this.#live.push(claimed)
      this.#ready = claimed
    }
    try {
      await this.#asked.change(() => this.#marks.change({ claimed: number }), known)
    } catch (error) {
      claimed.out.close()
      throw error
    }
    return claimed
  }

  /** After a write that failed. */
  failed(file: Claimed, cause: unknown): StoreError {
    file.out.close()
    if (this.#current === file) this.#current = undefined
    const error = writeError(this.#data, cause)
    this.#refused = error
    return error.code === 'failed' ? this.#stop(error) : error
  }

  #stop(error: StoreError): StoreError {
    this.#asked.stop(error)
    return error
  }

  /** Whether the tables do not know yet that they have all records up to there, or that a file is not needed. */
  isBehind(upTo: number): boolean {
    const { applied, oldest } = this.#marks.now
    return applied < upTo || oldest < this.#oldest(upTo)
  }

  /** In a transaction: the tables have all records up to there. */
  applied(upTo: number): void {
    this.#marks.change({ applied: upTo, oldest: this.#oldest(upTo) })
  }

  #oldest(upTo: number): number {
    const needed = this.#live.find((file) => file.last > upTo || file === this.#current || file === this.#ready)
    return needed?.number ?? this.#marks.now.claimed + 1
  }

  /** The transaction is durable. */
  retire(): void {
    this.#live = this.#live.filter(({ number }) => number >= this.#marks.now.oldest)
  }

  /** Nothing is written, and everything is in the tables: from here on they are all there is, until the next append. */
  async end(): Promise<void> {
    await this.close()
    const change = () => this.#marks.change({ oldest: this.#marks.now.claimed + 1 })
    await this.#asked.change(change, () => this.retire())
    await this.#folder.removeAll()
  }

  async close(): Promise<void> {
    const next = await this.#next?.catch(() => undefined)
    this.#current?.out.close()
    next?.out.close()
    this.#current = undefined
    this.#next = undefined
    this.#ready = undefined
  }
}
