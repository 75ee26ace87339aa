/** Requests to the cluster: prepared, and bounded (places.ts); each itself is bounded by the driver's time-outs (connection.ts). */
import type { ArrayOrObject, Client, QueryOptions, types } from 'cassandra-driver'
import type { ChatId } from '../../protocol/ids.ts'
import type { Still } from '../contract.ts'
import { StoreError } from '../error.ts'
import { explain } from './explain.ts'
import type { Places } from './places.ts'
import type { Stamps } from './stamps.ts'

export type Statement = { readonly query: string; readonly params: readonly unknown[] }
export type Row = types.Row
export type Page = { readonly rows: Row[]; readonly next: string | undefined }

/** What may be repeated without harm: the same row is written again with the same timestamp. */
const repeatable = { prepare: true, isIdempotent: true } as const

/** Rows of a page. */
const pageRows = 5_000

export class Requests {
  readonly stamps: Stamps
  readonly #client: Client
  readonly #places: Places
  readonly #still: Still | undefined

  constructor(client: Client, places: Places, stamps: Stamps, still?: Still) {
    this.stamps = stamps
    this.#still = still
    this.#client = client
    this.#places = places
  }

  /** The same, with timestamps of that term, for whoever has it as long as `still` says so. */
  under(term: number, still: Still): Requests {
    return new Requests(this.#client, this.#places, this.stamps.under(term), still)
  }

  /** Between what was read and what is written because of it. */
  still(id: ChatId): Promise<void> | undefined {
    return this.#still?.(id)
  }

  /** Why the last write failed; undefined: it did not. */
  get writeFailed(): StoreError | undefined {
    return this.#places.writeFailed
  }

  /** All rows that a query answers, page by page: only for queries whose answer fits in memory. */
  async rows(query: string, params: readonly unknown[]): Promise<Row[]> {
    const rows: Row[] = []
    let from: string | undefined
    do {
      const page = await this.page(query, params, pageRows, from)
      rows.push(...page.rows)
      from = page.next
    } while (from !== undefined)
    return rows
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
      this.#places.writeFailed = undefined
    } catch (error) {
      this.#places.writeFailed = error as StoreError
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

  /** How many are under way, and wait for their turn. */
  traffic(): { readonly running: number; readonly waiting: number } {
    return this.#places.traffic
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    return this.#places.idle()
  }

  async #run<T>(request: () => Promise<T>): Promise<T> {
    const turn = this.#places.take()
    if (turn) await turn
    try {
      return await request()
    } catch (error) {
      throw new StoreError('unavailable', explain(error), { cause: error })
    } finally {
      this.#places.release()
    }
  }
}
