/**
 * Whether the next record is written on the thread of the event loop. While the disk is fast that is much cheaper than a thread of
 * libuv's, which has to be woken and wakes the loop again: a wake takes some 50 us of CPU. A disk that is slow would hold up
 * everybody: then threads write for a while. One that hangs in such a write stops the node until it returns.
 */
/**
 * Milliseconds up to which a write is fast: it may be one of any number, for what comes meanwhile shares the next, and a thread takes as much
 * CPU of the loop's for its wakes. (Counted, the 1,400 of 0.2 ms of a second with 2,000 messages are at the edge of too many.) Milliseconds
 * that are too many; and the part of the time, looked at in windows of so many ms, that those between may take.
 */
const [fastMs, slowMs, windowMs, mostOfWindow] = [0.5, 2, 100, 0.3]
/**
 * Threads write for so many times as long as the loop was held up, or for as many times as those were milliseconds, where these are more:
 * most disks stand still for some milliseconds now and then, and few do so again soon. After one that does, for twice as many times.
 * (With a hundred times for each, a third of the writes of such a disk were left to threads; with five, receipts were told later.)
 */
const payback = { least: 20, most: 1_000 }
const longestPauseMs = 60_000
/** Bytes of entries in the first write after that, at most. */
const probeBytes = 16 * 1024

export class Pace {
  readonly #never: boolean
  readonly #now: () => number
  #windowAt = Number.NEGATIVE_INFINITY
  #spentMs = 0
  #pausedUntil = Number.NEGATIVE_INFINITY
  #pauseMs = 0
  #payback = payback.least
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
    if (to - from > fastMs) this.#spentMs += to - from
    const tooMany = this.#spentMs > windowMs * mostOfWindow ? this.#spentMs : 0
    const cost = to - from > slowMs ? to - from : tooMany
    this.#probing = cost > 0
    if (!this.#probing) return
    const soon = from - this.#pausedUntil < this.#pauseMs
    this.#payback = soon ? Math.min(2 * this.#payback, payback.most) : payback.least
    this.#pauseMs = Math.min(cost * Math.max(this.#payback, cost), longestPauseMs)
    this.#pausedUntil = to + this.#pauseMs
    this.#windowAt = Number.NEGATIVE_INFINITY
  }
}
