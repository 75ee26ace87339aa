/**
 * How fast users send: a bucket for each user, and one for each pair of users; two seconds' worth may come at once. A bucket is
 * one number, the time when it is full again, and is kept only until then: who sends nothing costs nothing.
 */
import type { Millis, UserId } from '../protocol/ids.ts'
import type { Limits } from '../protocol/limits.ts'

type Sender = { fullAt: number; readonly pairs: Map<UserId, number> }

const burstMs = 2_000

export class Rates {
  readonly #senders = new Map<UserId, Sender>()
  readonly #costMs: number
  readonly #pairCostMs: number

  constructor({ sendsPerSecond, sendsPerSecondToOne }: Pick<Limits, 'sendsPerSecond' | 'sendsPerSecondToOne'>) {
    this.#costMs = 1_000 / sendsPerSecond
    this.#pairCostMs = 1_000 / sendsPerSecondToOne
  }

  /** Senders whose bucket is not known to be full. */
  get size(): number {
    return this.#senders.size
  }

  /** Takes a message from both buckets; where one is empty, answers the milliseconds until neither is, and takes none. */
  take(from: UserId, to: UserId, now: Millis): number {
    const sender = this.#senders.get(from) ?? { fullAt: 0, pairs: new Map() }
    const fullAt = Math.max(sender.fullAt, now) + this.#costMs
    const pairFullAt = Math.max(sender.pairs.get(to) ?? 0, now) + this.#pairCostMs
    const wait = Math.ceil(Math.max(fullAt, pairFullAt) - now - burstMs)
    if (wait > 0) return wait
    sender.fullAt = fullAt
    sender.pairs.set(to, pairFullAt)
    this.#senders.set(from, sender)
    return 0
  }

  /** Forgets the buckets that are full. */
  sweep(now: Millis): void {
    for (const [user, { fullAt, pairs }] of this.#senders) {
      for (const [to, pairFullAt] of pairs) if (pairFullAt <= now) pairs.delete(to)
      if (fullAt <= now && pairs.size === 0) this.#senders.delete(user)
    }
  }
}
