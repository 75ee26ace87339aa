/**
 * Reads and writes of content, one at a time. Each holds one of libuv's four threads until the disk answers, and the tables and the
 * records of media hold one each when they commit: so however many people load media from a slow disk, the journal has a thread.
 */
import type { FileHandle } from 'node:fs/promises'
import { Queue } from '../protocol/queue.ts'

/** Bytes of one read. */
const readBytes = 256 * 1024

/** Tasks that are done one after another, in the order in which they came. */
export class Line {
  readonly #waiting = new Queue<() => void>()
  #busy = false

  async run<Result>(task: () => Promise<Result>): Promise<Result> {
    if (this.#busy) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#busy = true
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      // Whoever comes before that one runs waits behind it.
      if (next) next()
      else this.#busy = false
    }
  }
}

/** That of this process: its threads are all stores' together. */
export const disk = new Line()

/** The bytes of a file from `first` to `last`, some at a time; fewer where it ends before. */
export async function* bytesOf(handle: FileHandle, first: number, last: number): AsyncGenerator<Uint8Array> {
  for (let at = first; at <= last; ) {
    const room = Buffer.allocUnsafe(Math.min(readBytes, last + 1 - at))
    const { bytesRead } = await disk.run(() => handle.read(room, 0, room.length, at))
    if (bytesRead === 0) return
    at += bytesRead
    yield room.subarray(0, bytesRead)
  }
}
