/**
 * Requests to the cluster: prepared, and bounded. What is over the bound waits its turn in a queue that is bounded too, and
 * for a bounded time; each request itself is bounded by the driver's time-outs (connection.ts).
 */
import type { ArrayOrObject, Client, QueryOptions, types } from 'cassandra-driver'
import { StoreError } from '../error.ts'
import { explain } from './explain.ts'
import type { Stamps } from './stamps.ts'

export type Statement = { readonly query: string; readonly params: readonly unknown[] }
export type Row = types.Row
export type Page = { readonly rows: Row[]; readonly next: string | undefined }

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

/** What may be repeated without harm: the same row is written again with the same timestamp. */
const repeatable = { prepare: true, isIdempotent: true } as const

export class Requests {
  readonly stamps: Stamps
  readonly #client: Client
  readonly #limits: RequestLimits
  /** Why the last write failed; undefined: it did not. */
  writeFailed: StoreError | undefined
  #running = 0
  /** In the order in which they came; those before `#next` have had their turn. */
  #queue: Waiting[] = []
  #next = 0

  constructor(client: Client, limits: RequestLimits, stamps: Stamps) {
    this.stamps = stamps
    this.#client = client
    this.#limits = limits
  }

  /** All rows that a query answers; only for queries whose answer is bounded. */
  async rows(query: string, params: readonly unknown[]): Promise<Row[]> {
    return (await this.page(query, params, 5_000)).rows
  }

  /** One page of at most `size` rows, and where the next one starts. */
  async page(query: string, params: readonly unknown[], size: number, from?: string): Promise<Page> {
    const options: QueryOptions = { ...repeatable, fetchSize: size, ...(from !== undefined && { pageState: from }) }
    const { rows, pageState } = await this.#run(() => this.#client.execute(query, params as ArrayOrObject, options))
    return { rows, next: pageState ?? undefined }
  }

  /** Writes statements of one partition as one mutation. `stamp` is of those that have no timestamp of their own. */
  async write(statements: readonly Statement[], stamp = this.stamps.timed()): Promise<void> {
    const batch = statements as { query: string; params: ArrayOrObject }[]
    try {
      await this.#run(() => this.#client.batch(batch, { ...repeatable, logged: false, timestamp: stamp }))
      this.writeFailed = undefined
    } catch (error) {
      this.writeFailed = error as StoreError
      throw error
    }
  }

  /**
   * A lightweight transaction: undefined when it was applied, else the row as it is. Where it fails its outcome is unknown.
   * `timeoutMs`: how long the one host that is asked has to answer; else as the driver was told.
   */
  async compare(query: string, params: readonly unknown[], timeoutMs?: number): Promise<Row | undefined> {
    const options = { prepare: true, isIdempotent: false, ...(timeoutMs !== undefined && { readTimeout: timeoutMs }) }
    const result = await this.#run(() => this.#client.execute(query, params as ArrayOrObject, options))
    return result.wasApplied() ? undefined : result.first()
  }

  /** One of several statements of one partition: all or none. Undefined when it was applied, else the rows as they are. */
  async compareAll(statements: readonly Statement[]): Promise<Row[] | undefined> {
    const batch = statements as { query: string; params: ArrayOrObject }[]
    const result = await this.#run(() =>
      this.#client.batch(batch, { prepare: true, isIdempotent: false, logged: false }),
    )
    return result.wasApplied() ? undefined : result.rows
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running > 0) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  async #run<T>(request: () => Promise<T>): Promise<T> {
    if (this.#running < this.#limits.inFlight) this.#running += 1
    else await this.#turn()
    try {
      return await request()
    } catch (error) {
      throw new StoreError('unavailable', explain(error), { cause: error })
    } finally {
      this.#release()
    }
  }

  /** Waits for the place of a request that has ended. */
  #turn(): Promise<void> {
    if (this.#queue.length - this.#next >= this.#limits.queued)
      throw new StoreError('unavailable', `the cluster is too slow: ${this.#limits.queued} requests wait already`)
    const until = performance.now() + this.#limits.queueMs
    return new Promise((start, fail) => this.#queue.push({ start, fail, until }))
  }

  #release(): void {
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
