/**
 * How often something is done, by name: so many times in a period, which may come at once. A bucket is one number, the time when it is
 * full again, and is kept only until then: who does nothing costs nothing.
 */
import type { Millis } from '../protocol/ids.ts'

/** Names that are remembered. Those that began to recover first are forgotten. */
const most = 10_000

export class Buckets {
  readonly #fullAt = new Map<string, Millis>()
  readonly #period: Millis
  readonly #costMs: Millis

  constructor(count: number, period: Millis) {
    this.#period = period
    this.#costMs = period / count
  }

  get size(): number {
    return this.#fullAt.size
  }

  isEmpty(name: string, now: Millis): boolean {
    return (this.#fullAt.get(name) ?? 0) + this.#costMs - now > this.#period
  }

  /** Whether there was something to take. */
  take(name: string, now: Millis): boolean {
    if (this.isEmpty(name, now)) return false
    const fullAt = Math.max(this.#fullAt.get(name) ?? 0, now) + this.#costMs
    this.#fullAt.delete(name)
    this.#fullAt.set(name, fullAt)
    for (const [oldest, until] of this.#fullAt) {
      if (until > now && this.#fullAt.size <= most) break
      this.#fullAt.delete(oldest)
    }
    return true
  }
}
