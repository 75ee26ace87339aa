/** What waits to leave over one link: bounded, and what may be lost goes first where it grows. */
import { batchBytes } from './batch.ts'
import { type Common, Joined } from './joined.ts'

/** Of one link. Behind them a peer that does not read, or is gone, costs this node no more. */
export const queueBytes = 4 * 1024 * 1024
const queueFrames = 8_192

export class Outgoing {
  #frames: (Uint8Array | Joined)[] = []
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
    if (!this.#hasRoom(frame.length, share)) return false
    this.#frames.push(frame)
    this.#bytes += frame.length
    return true
  }

  /** Adds an item to the frame that came last, where that is of the same; else it begins one. */
  join(common: Common, item: Uint8Array): boolean {
    const last = this.size > 0 ? this.#frames.at(-1) : undefined
    const isOpen = last instanceof Joined && last.takes(common.key, item.length)
    const frame = isOpen ? last : new Joined(common)
    const bytes = isOpen ? 0 : frame.length
    if (!this.#hasRoom(bytes + item.length, 1)) return false
    if (!isOpen) this.#frames.push(frame)
    frame.add(item)
    this.#bytes += bytes + item.length
    return true
  }

  #hasRoom(bytes: number, share: number): boolean {
    return this.size < queueFrames * share && this.#bytes + bytes <= queueBytes * share
  }

  /** The next batch; one frame at least. */
  take(): Uint8Array[] {
    const start = this.#next
    let bytes = 0
    for (; this.#next < this.#frames.length; this.#next++) {
      const frame = this.#frames[this.#next] as Uint8Array | Joined
      if (this.#next > start && bytes + frame.length > batchBytes) break
      bytes += frame.length
    }
    const batch = this.#frames
      .slice(start, this.#next)
      .map((frame) => (frame instanceof Joined ? frame.whole() : frame))
    this.#bytes -= bytes
    if (this.#next * 2 > this.#frames.length) {
      this.#frames = this.#frames.slice(this.#next)
      this.#next = 0
    }
    return batch
  }
}
