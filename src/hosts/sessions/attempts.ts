/**
 * How many wrong tokens an address shows: so many a minute, which may come at once. A bucket is one number, the time when it is full
 * again, and is kept only until then: where tokens are right it costs nothing.
 */
import type { Millis } from '../../protocol/ids.ts'

const minute: Millis = 60_000
/** Addresses that are remembered. Those that began to recover first are forgotten. */
const most = 10_000

export class Attempts {
  readonly #fullAt = new Map<string, Millis>()
  readonly #costMs: Millis

  constructor(perMinute: number) {
    this.#costMs = minute / perMinute
  }

  get size(): number {
    return this.#fullAt.size
  }

  /** Whether an address is to wait, whatever it shows. */
  exhausted(address: string, now: Millis): boolean {
    return (this.#fullAt.get(address) ?? 0) + this.#costMs - now > minute
  }

  /** A token was wrong. */
  failed(address: string, now: Millis): void {
    const fullAt = Math.max(this.#fullAt.get(address) ?? 0, now) + this.#costMs
    this.#fullAt.delete(address)
    this.#fullAt.set(address, fullAt)
    for (const [oldest, until] of this.#fullAt) {
      if (until > now && this.#fullAt.size <= most) return
      this.#fullAt.delete(oldest)
    }
  }
}
