/** How many requests are under way at a time. What is over that waits its turn in a queue that is bounded too, and for a bounded time. */
import { StoreError } from '../error.ts'

export type RequestLimits = {
  /** Requests under way at a time. Default 1,024; one connection of the driver carries 2,048. */
  readonly inFlight: number
  /** Requests that wait for their turn; further ones fail at once. Default 50,000. */
  readonly queued: number
  /** Milliseconds that a request waits for its turn at most. Default 10,000. */
  readonly queueMs: number
}
export const defaultRequestLimits: RequestLimits = { inFlight: 1_024, queued: 50_000, queueMs: 10_000 }

type Waiting = { readonly start: () => void; readonly fail: (error: Error) => void; readonly until: number }

export class Places {
  readonly #limits: RequestLimits
  #running = 0
  /** In the order in which they came; those before `#next` have had their turn. */
  #queue: Waiting[] = []
  #next = 0
  /** Why the last write failed; undefined: it did not. */
  writeFailed: StoreError | undefined

  constructor(limits: RequestLimits) {
    this.#limits = limits
  }

  get traffic(): { readonly running: number; readonly waiting: number } {
    return { running: this.#running, waiting: this.#queue.length - this.#next }
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running > 0) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  /** Undefined: there is one. Else resolves when it is this one's turn, and rejects where that does not come. */
  take(): Promise<void> | undefined {
    if (this.#running >= this.#limits.inFlight) return this.#turn()
    this.#running += 1
    return undefined
  }

  /** Waits for the place of a request that has ended. */
  #turn(): Promise<void> {
    if (this.#queue.length - this.#next >= this.#limits.queued)
      throw new StoreError('unavailable', `the cluster is too slow: ${this.#limits.queued} requests wait already`)
    const until = performance.now() + this.#limits.queueMs
    return new Promise((start, fail) => this.#queue.push({ start, fail, until }))
  }

  release(): void {
    const now = performance.now()
    while (this.#next < this.#queue.length) {
      const waiting = this.#queue[this.#next++] as Waiting
      if (waiting.until >= now) return waiting.start()
      waiting.fail(new StoreError('unavailable', 'the cluster is too slow: a request waited too long for its turn'))
    }
    this.#queue = []
    this.#next = 0
    this.#running -= 1
  }
}
