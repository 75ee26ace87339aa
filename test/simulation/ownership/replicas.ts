/** What owners write: a log for each shard, on three replicas, and a record of which the last write wins. */
import type { Chance } from './chance.ts'
import type { Queue } from './queue.ts'

/** `first`: where the append began. */
export type Row = { readonly seq: number; readonly term: number; readonly id: number; readonly first: number }
type Kept = { readonly stamp: number; readonly n: number }

const keyOf = ({ seq, term }: Row): string => `${seq}/${term}`

/** In the order of seqs, highest term first; a row whose term is lower than one at a smaller or equal seq is dead. */
function living(rows: Iterable<Row>): Row[] {
  let [highest, last] = [0, 0]
  return [...rows]
    .sort((a, b) => a.seq - b.seq || b.term - a.term)
    .filter(({ seq, term }) => {
      if (term < highest || seq === last) return false
      highest = term
      last = seq
      return true
    })
}

export class Replicas {
  readonly #rows = [new Map<string, Row>(), new Map<string, Row>(), new Map<string, Row>()]
  #kept: Kept = { stamp: -1, n: 0 }
  /** Rows that were taken away. */
  readonly #gone = new Set<string>()
  readonly #chance: Chance
  readonly #queue: Queue

  constructor(chance: Chance, queue: Queue) {
    this.#chance = chance
    this.#queue = queue
  }

  get kept(): Kept {
    return this.#kept
  }

  /** Each replica has it now, later or never: true where two have it now. */
  write(rows: readonly Row[], ill: boolean): boolean {
    let now = 0
    for (const replica of this.#rows) {
      const put = () => {
        for (const row of rows) if (!replica.has(keyOf(row))) replica.set(keyOf(row), row)
      }
      const luck = ill ? this.#chance.next() : 0
      if (luck < 0.7) {
        put()
        now += 1
      } else if (luck < 0.9) this.#queue.after(this.#chance.next() * 40_000, put)
    }
    return now > 1
  }

  /** As two of three have it; then both do. */
  read(): Row[] {
    const skip = this.#chance.below(3)
    const two = this.#rows.filter((_, n) => n !== skip)
    const all = new Map(two.flatMap((replica) => [...replica]))
    for (const replica of two) for (const [key, row] of all) replica.set(key, row)
    return living(all.values())
  }

  /** All rows, also dead ones: what a wipe reads, page by page. */
  rows(): Row[] {
    return [...new Map(this.#rows.flatMap((replica) => [...replica])).values()]
  }

  /** Takes away these rows, and no others. */
  wipe(rows: readonly Row[]): void {
    for (const row of rows) this.#gone.add(keyOf(row))
  }

  isGone(row: Row): boolean {
    return this.#gone.has(keyOf(row))
  }

  /** As all three have it. */
  whole(): Row[] {
    return living(new Map(this.#rows.flatMap((replica) => [...replica])).values())
  }

  save(kept: Kept): void {
    if (kept.stamp > this.#kept.stamp) this.#kept = kept
  }
}
