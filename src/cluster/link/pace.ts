/**
 * When links flush. An idle node flushes at the end of each turn, so nobody waits; a busy one has so many batches a second, for all its links, that
 * each carries many frames. No link waits longer than 20 ms for its turn.
 */
import type { Clock } from '../../runtime/clock.ts'

const flushesPerMs = 1
const burst = 100
const latestMs = 20

type Flush = () => void

export class Pace {
  readonly #clock: Clock
  readonly #waiting = new Map<Flush, number>()
  #tokens = burst
  #filledAt: number
  #soon = false
  #timed = false

  constructor(clock: Clock) {
    this.#clock = clock
    this.#filledAt = clock.monotonic()
  }

  /** Calls `flush` once, soon. */
  ask(flush: Flush): void {
    if (!this.#waiting.has(flush)) this.#waiting.set(flush, this.#clock.monotonic())
    if (this.#soon) return
    this.#soon = true
    this.#clock.soon(() => {
      this.#soon = false
      this.#turn()
    })
  }

  #turn(): void {
    const now = this.#clock.monotonic()
    this.#tokens = Math.min(burst, this.#tokens + (now - this.#filledAt) * flushesPerMs)
    this.#filledAt = now
    // In the order in which they asked.
    for (const [flush, since] of this.#waiting) {
      if (this.#tokens < 1 && now - since < latestMs) break
      this.#waiting.delete(flush)
      this.#tokens = Math.max(0, this.#tokens - 1)
      flush()
    }
    if (this.#waiting.size === 0 || this.#timed) return
    this.#timed = true
    this.#clock.after(1, () => {
      this.#timed = false
      this.#turn()
    })
  }
}
