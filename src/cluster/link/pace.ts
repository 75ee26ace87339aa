/**
 * When links flush. What somebody waits for leaves at the end of the turn, and takes along what nobody waits for, which may wait for that. A
 * busy node has so many batches a second, for all its links, that each carries many frames. No link waits longer than 20 ms for its turn.
 */
import type { Millis } from '../../protocol/ids.ts'
import type { Clock } from '../../runtime/clock.ts'

const flushesPerMs = 1
const burst = 100
const latestMs = 20
/** For what nobody waits for. */
export const patientMs = 20

type Flush = () => void

export class Pace {
  readonly #clock: Clock
  /** When each is due. */
  readonly #waiting = new Map<Flush, Millis>()
  #tokens = burst
  #filledAt: Millis
  #soon = false
  /** When a timer fires next. */
  #timedAt: Millis = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
    this.#filledAt = clock.monotonic()
  }

  /** Calls `flush` once: at the end of the turn, or in so many milliseconds, unless it is asked to sooner. */
  ask(flush: Flush, inMs: Millis = 0): void {
    const due = this.#clock.monotonic() + inMs
    const before = this.#waiting.get(flush)
    if (before !== undefined && before <= due) return
    this.#waiting.set(flush, due)
    if (inMs > 0) return this.#wake(due)
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
    let next: Millis = Number.POSITIVE_INFINITY
    // In the order in which they asked.
    for (const [flush, due] of this.#waiting) {
      if (due > now) {
        next = Math.min(next, due)
        continue
      }
      if (this.#tokens < 1 && now - due < latestMs) {
        next = now + 1
        break
      }
      this.#waiting.delete(flush)
      this.#tokens = Math.max(0, this.#tokens - 1)
      flush()
    }
    if (next < Number.POSITIVE_INFINITY) this.#wake(next)
  }

  #wake(at: Millis): void {
    if (this.#timedAt <= at) return
    this.#timedAt = at
    this.#clock.after(at - this.#clock.monotonic(), () => {
      if (this.#timedAt === at) this.#timedAt = Number.POSITIVE_INFINITY
      this.#turn()
    })
  }
}
