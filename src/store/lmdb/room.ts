/**
 * Whether there is room to append. LMDB must not find the disk full: lmdb 3.5 writes its message about that past the end of
 * 100 bytes, and the process dies of it soon after. So the last bytes of the disk are for what makes room, such as expiry.
 */
import { statfsSync } from 'node:fs'
import { StoreError } from '../contract.ts'
import { bytesFree } from './pages.ts'
import type { Tables } from './tables.ts'

/** Bytes that appends leave on the disk: what the journal holds comes to the tables, and cursors and timers are written on. */
const reserveBytes = 16 * 1024 * 1024
/** Milliseconds between two looks at the disk while there is room; one takes 20 us. */
const lookMs = 100

export class Room {
  readonly #tables: Tables
  readonly #path: string
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(tables: Tables, path: string) {
    this.#tables = tables
    this.#path = path
  }

  /** Throws where there is no room, also not in the file. */
  check(): void {
    const now = performance.now()
    if (now - this.#lookedAt < lookMs) return
    const { bavail, bsize } = statfsSync(this.#path)
    const free = bavail * bsize
    const { root, ...tables } = this.#tables
    if (free < reserveBytes && free + bytesFree(root, Object.values(tables)) < reserveBytes)
      throw new StoreError('full', `The disk of ${this.#path} is full; make room, and the node goes on.`)
    this.#lookedAt = now
  }
}
