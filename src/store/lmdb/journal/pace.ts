/**
 * Whether the next record is written on the thread of the event loop. While the disk is fast that is much cheaper than a thread of
 * libuv's, which has to be woken and wakes the loop again: a tenth of a node's CPU at 2,000 messages/s. A disk that is slow would
 * hold up everybody: then threads write, for a while that doubles each time. A disk that hangs in such a write stops the node until it returns.
 */
/** Milliseconds of a write that are too many; and the part of the time, looked at in windows of so many ms, that all of them may take. */
const [slowMs, windowMs, mostOfWindow] = [2, 100, 0.3]
/** Milliseconds for which threads write: at first, and at most. */
const [firstPauseMs, longestPauseMs] = [1_000, 60_000]
/** Bytes of entries in the first write after that, at most. */
const probeBytes = 16 * 1024

export class Pace {
  readonly #never: boolean
  readonly #now: () => number
  #windowAt = Number.NEGATIVE_INFINITY
  #spentMs = 0
  #pausedUntil = Number.NEGATIVE_INFINITY
  #pauseMs = firstPauseMs
  #probing = false

  /** `never`: threads write always. */
  constructor(never: boolean, now: () => number = () => performance.now()) {
    this.#never = never
    this.#now = now
  }

  isHere(bytes: number): boolean {
    if (this.#never || this.#now() < this.#pausedUntil) return false
    return !this.#probing || bytes <= probeBytes
  }

  /** Writes here, and remembers how long that took, also where it failed. */
  time(write: () => void): void {
    const from = this.#now()
    try {
      write()
    } finally {
      this.#took(from, this.#now())
    }
  }

  #took(from: number, to: number): void {
    if (to - this.#windowAt > windowMs) {
      this.#windowAt = from
      this.#spentMs = 0
    }
    this.#spentMs += to - from
    if (to - from > slowMs || this.#spentMs > windowMs * mostOfWindow) this.#pause(to)
    else this.#probing = false
    if (to - this.#pausedUntil > longestPauseMs) this.#pauseMs = firstPauseMs
  }

  #pause(now: number): void {
    this.#pausedUntil = now + this.#pauseMs
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs)
    this.#probing = true
  }
}
