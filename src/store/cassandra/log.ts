/**
 * How a log with terms is read. Each owner of an inbox writes under its own term, and a write of a former owner may land
 * late: in seq order, highest term first, a row whose term is lower than one already seen at a smaller or equal seq is dead.
 */
import type { Seq } from '../../protocol/ids.ts'
import type { Row } from './requests.ts'
import { number } from './rows.ts'

/** Entries of one partition. More than the appends of one inbox that may be under way, so that late rows reach at most into the next bucket. */
const bucketSize = 2_048

export const bucketOf = (seq: Seq): number => Math.floor((seq - 1) / bucketSize)
export const firstSeq = (bucket: number): Seq => bucket * bucketSize + 1

type Place = { readonly seq: Seq; readonly term: number }
export type Key = Place & { readonly row: Row }

export const keyed = (row: Row): Key => ({ seq: number(row['seq']), term: row['term'], row })

/** The rows that count, of rows in seq order with the highest term first. `term` is that of the row before them, 0 when there is none. */
export function living<R extends Place>(rows: readonly R[], term = 0): R[] {
  let [highest, last] = [term, 0]
  return rows.filter((row) => {
    if (row.term < highest || row.seq === last) return false
    highest = row.term
    last = row.seq
    return true
  })
}

/** Those of the rows that count up to the first gap, which there is none where rows have expired. `since`: which seq there must be at the latest. */
export function unbroken<R extends Place>(
  rows: readonly R[],
  since: Seq,
  isExpiring: (row: R) => boolean,
): readonly R[] {
  const gap = rows.findIndex((row, at) => {
    const expected = (rows[at - 1]?.seq ?? Math.min(row.seq, since) - 1) + 1
    return row.seq !== expected && !isExpiring(row)
  })
  return gap === -1 ? rows : rows.slice(0, gap)
}
