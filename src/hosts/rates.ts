/**
 * How fast users send: a bucket for each user, and one for each pair of users; two seconds' worth may come at once. A bucket is
 * one number, the time when it is full again, and is kept only until then: who sends nothing costs nothing.
 */
import type { Millis, UserId } from '../protocol/ids.ts'
import type { Limits } from '../protocol/limits.ts'

/** `toldAt`: when the last one that was refused may come again. */
type Sender = { fullAt: Millis; toldAt: Millis; readonly pairs: Map<UserId, Millis> }

type Wait = { readonly retryAfter: Millis; readonly every: Millis }

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

  /** Takes a message from both buckets; where one is empty, takes none, and answers when its turn is, and how much later that of each after it. */
  take(from: UserId, to: UserId, now: Millis): Wait | undefined {
    const sender = this.#senders.get(from) ?? { fullAt: 0, toldAt: 0, pairs: new Map() }
    const fullAt = Math.max(sender.fullAt, now) + this.#costMs
    const pairFullAt = Math.max(sender.pairs.get(to) ?? 0, now) + this.#pairCostMs
    const freeAt = Math.max(fullAt, pairFullAt) - burstMs
    if (freeAt > now) return this.#turn(sender, freeAt, fullAt < pairFullAt, now)
    sender.fullAt = fullAt
    sender.pairs.set(to, pairFullAt)
    this.#senders.set(from, sender)
    return undefined
  }

  /** Sends to others wait for the same bucket: each is told a time of its own, as far as that fills. */
  #turn(sender: Sender, freeAt: Millis, pair: boolean, now: Millis): Wait {
    if (pair) return { retryAfter: Math.ceil(freeAt - now), every: this.#pairCostMs }
    sender.toldAt = Math.min(Math.max(sender.toldAt + this.#costMs, freeAt), freeAt + burstMs)
    return { retryAfter: Math.ceil(sender.toldAt - now), every: this.#costMs }
  }

  /** Forgets the buckets that are full. */
  sweep(now: Millis): void {
    for (const [user, { fullAt, pairs }] of this.#senders) {
      for (const [to, pairFullAt] of pairs) if (pairFullAt <= now) pairs.delete(to)
      if (fullAt <= now && pairs.size === 0) this.#senders.delete(user)
    }
  }
}
