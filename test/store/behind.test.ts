/**
 * Whoever reads a log of Cassandra while it is written, as another node does, and looks behind its end. Queries see one table each, so that of an
 * append its mark may be seen before its rows, or the reverse. Every moment at which something may land is tried.
 */
import type { types } from 'cassandra-driver'
import { describe, expect, it } from 'vitest'
import type { UserId } from '../../src/protocol/ids.ts'
import { driver } from '../../src/store/cassandra/driver.ts'
import { read } from '../../src/store/cassandra/inbox.ts'
import type { Requests } from '../../src/store/cassandra/requests.ts'

const bob = 'bob' as UserId
const time = new Date()
const dayMs = 86_400_000

type Row = { readonly seq: number; readonly term: number }
type Mark = { readonly term: number; readonly tail: number; readonly since: number; readonly first: number | null }
/** Something lands: a mark, or rows. */
type Landing = { readonly mark: Mark } | { readonly rows: readonly Row[] }

/** One replica, on which the next thing lands before that query. */
class Replica {
  readonly rows: Row[] = []
  readonly marks: Mark[] = []
  readonly #landings: (readonly [before: number, landing: Landing])[]
  #asked = 0

  constructor(begun: readonly Landing[], landings: (readonly [before: number, landing: Landing])[]) {
    for (const landing of begun) this.#land(landing)
    this.#landings = landings
  }

  #land(landing: Landing): void {
    if ('rows' in landing) return void this.rows.push(...landing.rows)
    const at = this.marks.findIndex(({ term }) => term === landing.mark.term)
    const first = landing.mark.first ?? this.marks[at]?.first ?? null
    if (at >= 0) this.marks.splice(at, 1)
    this.marks.push({ ...landing.mark, first })
    this.marks.sort((a, b) => b.term - a.term)
  }

  #query(query: string, params: readonly unknown[]): unknown[] {
    while ((this.#landings[0]?.[0] ?? Number.POSITIVE_INFINITY) <= this.#asked)
      this.#land(this.#landings.shift()?.[1] as Landing)
    this.#asked += 1
    const { Long } = driver().types
    const rows = [...this.rows]
      .sort((a, b) => a.seq - b.seq || b.term - a.term)
      .map(({ seq, term }) => ({ seq: Long.fromNumber(seq), term, kind: 64, time, kept: null }))
    const marks = this.marks.map(({ term, tail, since, first }) => ({
      ...{ term, time, tail: Long.fromNumber(tail), since: Long.fromNumber(since) },
      first: first === null ? null : Long.fromNumber(first),
    }))
    if (query.includes('FROM inboxes'))
      return [{ epoch: 7, newest: 0, settled: null, cursors: {}, bucket: 0, started: time }]
    if (query.includes('FROM marks'))
      return query.includes('term > ?') ? marks.filter(({ term }) => term > Number(params[2])) : marks.slice(0, 1)
    const from = query.includes('seq >= ?') ? (params[2] as types.Long).toNumber() : 0
    const found = rows.filter(({ seq }) => seq.toNumber() >= from)
    if (!query.includes('DESC')) return query.includes('LIMIT 1') ? found.slice(0, 1) : found
    const last = found.at(-1)
    return last ? [last] : []
  }

  /** As a node asks that has a term above all. */
  get requests(): Requests {
    const rows = async (query: string, params: readonly unknown[]) => this.#query(query, params)
    const page = async (query: string, params: readonly unknown[]) => ({
      rows: this.#query(query, params),
      next: undefined,
    })
    return { rows, page, stamps: { term: 9 } } as unknown as Requests
  }
}

/** All ways to choose so many moments of 0 to `most` that do not fall. */
function* moments(count: number, most: number, from = 0): Generator<number[]> {
  if (count === 0) return yield []
  for (let first = from; first <= most; first++)
    for (const rest of moments(count - 1, most, first)) yield [first, ...rest]
}

const queries = 10
const orders = <T>(a: T, b: T): (readonly [T, T])[] => [
  [a, b],
  [b, a],
]

/** Reads from `from` while these land, in each order of the two parts of each. Answers what was said to be missing. */
async function said(
  begun: readonly Landing[],
  appends: readonly (readonly [Landing, Landing])[],
  from: number,
): Promise<Set<string>> {
  const errors = new Set<string>()
  for (const chosen of appends.reduce<(readonly Landing[])[]>(
    (all, [mark, rows]) => all.flatMap((before) => orders(mark, rows).map((pair) => [...before, ...pair])),
    [[]],
  ))
    for (const at of moments(chosen.length, queries)) {
      const { requests } = new Replica(
        begun,
        chosen.map((landing, n) => [at[n] as number, landing]),
      )
      const page = { from, limit: 100, bytes: 1e6, now: 0 }
      await read(requests, 30 * dayMs, bob, page).catch((error) => errors.add((error as Error).message.slice(0, 60)))
    }
  return errors
}

const append = (term: number, first: number, last = first): readonly [Landing, Landing] => [
  { mark: { term, tail: last, since: first, first: null } },
  { rows: Array.from({ length: last - first + 1 }, (_, n) => ({ seq: first + n, term })) },
]
const begins = (term: number, first: number, last = first): readonly [Landing, Landing] => {
  const [, rows] = append(term, first, last)
  return [{ mark: { term, tail: last, since: first, first } }, rows]
}

describe.each([9, 10, 11, 12])('from %i on of a log that ends at 10 nothing is said to be missing', (from) => {
  const begun = [...begins(2, 1, 9), ...append(2, 10)]

  it('while its owner appends', async () => {
    expect(await said(begun, [append(2, 11), append(2, 12)], from)).toEqual(new Set())
    expect(await said(begun, [append(2, 11, 12)], from)).toEqual(new Set())
  })

  it('while it gets another owner, who writes the last again and goes on', async () => {
    expect(await said(begun, [append(3, 10), begins(3, 11)], from)).toEqual(new Set())
  })

  it('where a former owner had written what is dead by now, and of the next one there is a mark alone', async () => {
    const late: Landing = { rows: [{ seq: 11, term: 2 }] }
    const [mark] = begins(3, 11)
    expect(await said([...begun, late, mark], [], from)).toEqual(new Set())
    expect(await said([...begun, late], [begins(3, 11)], from)).toEqual(new Set())
  })
})
