/** What waits to leave over one link: bounded, and what may be lost goes first where it grows. */
import { batchBytes } from './batch.ts'

/** Of one link. Behind them a peer that does not read, or is gone, costs this node no more. */
export const queueBytes = 4 * 1024 * 1024
const queueFrames = 8_192

export class Outgoing {
  #frames: Uint8Array[] = []
  #next = 0
  #bytes = 0

  get size(): number {
    return this.#frames.length - this.#next
  }

  get bytes(): number {
    return this.#bytes
  }

  /** False: there is no room, and it was not taken. `share`: how much of the room it may use. */
  add(frame: Uint8Array, share: number): boolean {
    if (this.size >= queueFrames * share || this.#bytes + frame.length > queueBytes * share) return false
    this.#frames.push(frame)
    this.#bytes += frame.length
    return true
  }

  /** The next batch; one frame at least. */
  take(): Uint8Array[] {
    const start = this.#next
    let bytes = 0
    for (; this.#next < this.#frames.length; this.#next++) {
      const frame = this.#frames[this.#next] as Uint8Array
      if (this.#next > start && bytes + frame.length > batchBytes) break
      bytes += frame.length
    }
    const batch = this.#frames.slice(start, this.#next)
    this.#bytes -= bytes
    if (this.#next * 2 > this.#frames.length) {
      this.#frames = this.#frames.slice(this.#next)
      this.#next = 0
    }
    return batch
  }
}
