/**
 * How fast users send: a bucket for each user, from which a message takes as many as it makes copies, and one for each pair of users;
 * two seconds' worth may come at once. A bucket is one number, the time when it is full again, and is kept only until then: who
 * sends nothing costs nothing.
 */
import type { Millis, UserId } from '../../protocol/ids.ts'
import type { Limits } from '../../protocol/limits.ts'

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

  /**
   * Takes a message from both buckets; where there is not enough, takes nothing, and answers when its turn is, and how much later
   * that of each after it. One that makes more copies than the bucket holds goes when that is full.
   */
  take(from: UserId, to: UserId, copies: number, now: Millis): Wait | undefined {
    const known = this.#senders.get(from)
    const sender = known ?? { fullAt: 0, toldAt: 0, pairs: new Map() }
    const costMs = copies * this.#costMs
    const fullAt = Math.max(sender.fullAt, now) + Math.min(costMs, burstMs)
    const pairFullAt = Math.max(sender.pairs.get(to) ?? 0, now) + this.#pairCostMs
    const freeAt = Math.max(fullAt, pairFullAt) - burstMs
    if (freeAt > now) return this.#turn(sender, freeAt, fullAt < pairFullAt ? 0 : costMs, now)
    sender.fullAt = Math.max(sender.fullAt, now) + costMs
    sender.pairs.set(to, pairFullAt)
    if (!known) this.#senders.set(from, sender)
    return undefined
  }

  /** Sends to others wait for the same bucket: each is told a time of its own, as far as that fills. */
  #turn(sender: Sender, freeAt: Millis, costMs: Millis, now: Millis): Wait {
    if (costMs === 0) return { retryAfter: Math.ceil(freeAt - now), every: this.#pairCostMs }
    sender.toldAt = Math.min(Math.max(sender.toldAt + costMs, freeAt), freeAt + burstMs)
    return { retryAfter: Math.ceil(sender.toldAt - now), every: costMs }
  }

  /** A message made so many copies less than it took for, or more where it is below 0; with `to` it was not taken at all. */
  giveBack(from: UserId, copies: number, to?: UserId): void {
    const sender = this.#senders.get(from)
    if (!sender) return
    sender.fullAt -= copies * this.#costMs
    const pairFullAt = to && sender.pairs.get(to)
    if (pairFullAt) sender.pairs.set(to, pairFullAt - this.#pairCostMs)
  }

  /** Forgets the buckets that are full. */
  sweep(now: Millis): void {
    for (const [user, { fullAt, pairs }] of this.#senders) {
      for (const [to, pairFullAt] of pairs) if (pairFullAt <= now) pairs.delete(to)
      if (fullAt <= now && pairs.size === 0) this.#senders.delete(user)
    }
  }
}
