/**
 * How a log with terms is read. Each owner of an inbox writes under its own term, and a write of a former owner may land
 * late: in seq order, highest term first, a row whose term is lower than one already seen at a smaller or equal seq is dead.
 */
import type { Seq } from '../../protocol/ids.ts'

/** Entries of one partition. More than the appends of one inbox that may be under way, so that late rows reach at most into the next bucket. */
const bucketSize = 2_048

export const bucketOf = (seq: Seq): number => Math.floor((seq - 1) / bucketSize)
export const firstSeq = (bucket: number): Seq => bucket * bucketSize + 1

type Row = { readonly seq: Seq; readonly term: number }

/** The rows that count, of rows in seq order with the highest term first. `term` is that of the row before them, 0 when there is none. */
export function living<R extends Row>(rows: readonly R[], term = 0): R[] {
  let [highest, last] = [term, 0]
  return rows.filter((row) => {
    if (row.term < highest || row.seq === last) return false
    highest = row.term
    last = row.seq
    return true
  })
}
