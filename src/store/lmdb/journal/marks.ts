/**
 * What LMDB knows of the journal: a row that each transaction writes. So each of the two knows how far the other was: a journal that
 * ends before `durable`, or that knows more `commits` than there are, was put back from an earlier moment, or the tables were.
 */
import { randomInt } from 'node:crypto'
import type { Table } from '../table.ts'

/**
 * `store`: a random number, which the files have, too. Files `oldest` to `claimed` must be there. All records up to `applied` are
 * in the tables. `durable`: the last record that was on the disk when the transaction was put. `commits`: transactions so far.
 */
export type Mark = {
  readonly store: number
  readonly oldest: number
  readonly claimed: number
  readonly applied: number
  readonly durable: number
  readonly commits: number
}
export type MarkTables = { readonly marks: Table<Mark, string> }
const key = 'journal'

export const markOf = ({ marks }: MarkTables): Mark | undefined => marks.get(key)

export class Marks {
  #mark: Mark
  /** As the transaction under way writes it. */
  #next: Mark
  #wanted: Partial<Mark> = {}
  /** The last record that is on the disk. */
  durable: number

  constructor(tables: MarkTables) {
    const fresh = { oldest: 1, claimed: 0, applied: 0, durable: 0, commits: 0 }
    this.#mark = markOf(tables) ?? { store: randomInt(1, 2 ** 48 - 1), ...fresh }
    this.#next = this.#mark
    this.durable = this.#mark.durable
  }

  /** As it is on the disk. */
  get now(): Mark {
    return this.#mark
  }

  /** In a transaction: what it changes. */
  change(change: Partial<Mark>): void {
    this.#wanted = { ...this.#wanted, ...change }
  }

  /** What the end of each transaction writes, and when it is durable. */
  readonly each = {
    put: ({ marks }: MarkTables): void => {
      this.#next = { ...this.#mark, ...this.#wanted, durable: this.durable, commits: this.#mark.commits + 1 }
      this.#wanted = {}
      void marks.put(key, this.#next)
    },
    done: (): void => {
      this.#mark = this.#next
    },
  }
}
