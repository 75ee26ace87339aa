/**
 * Whether the next record is written on the thread of the event loop. While the disk is fast that is much cheaper than a thread of
 * libuv's, which has to be woken and wakes the loop again: a wake takes some 50 us of CPU. A disk that is slow would hold up
 * everybody: then threads write, for so many times as long as it did. So it does for a two-hundredth of the time, which the slowest of a
 * hundred messages do not notice, and a disk that is slow now and then does not leave all to threads: with a minute of these after the
 * fifth slow write, no write was ever here on a disk that took 3 ms once in a thousand times. A disk that hangs in such a write stops the node until it returns.
 */
/** Milliseconds of a write that are too many; and the part of the time, looked at in windows of so many ms, that all of them may take. */
const [slowMs, windowMs, mostOfWindow] = [2, 100, 0.3]
/** Threads write for so many times as long as the loop was held up, and no longer than this. */
const payback = 200
const longestPauseMs = 60_000
/** Bytes of entries in the first write after that, at most. */
const probeBytes = 16 * 1024

export class Pace {
  readonly #never: boolean
  readonly #now: () => number
  #windowAt = Number.NEGATIVE_INFINITY
  #spentMs = 0
  #pausedUntil = Number.NEGATIVE_INFINITY
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

  /** Writes here, and remembers how long that took, also where it failed. Answers it. */
  time(write: () => void): number {
    const from = this.#now()
    let to = from
    try {
      write()
    } finally {
      to = this.#now()
      this.#took(from, to)
    }
    return to - from
  }

  #took(from: number, to: number): void {
    if (to - this.#windowAt > windowMs) {
      this.#windowAt = from
      this.#spentMs = 0
    }
    this.#spentMs += to - from
    const tooMany = this.#spentMs > windowMs * mostOfWindow ? this.#spentMs : 0
    const cost = to - from > slowMs ? to - from : tooMany
    this.#probing = cost > 0
    if (!this.#probing) return
    this.#pausedUntil = to + Math.min(payback * cost, longestPauseMs)
    this.#windowAt = Number.NEGATIVE_INFINITY
  }
}
