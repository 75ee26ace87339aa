/**
 * A log as Cassandra has it: rows on three replicas. What is written reaches each of them at once, late or never; two are asked, and then
 * agree about what was asked for. How its end is found, and made sure of, is as in src/store/cassandra (tail.ts, append.ts).
 */
import { expect } from 'vitest'
import type { Entry } from '../../src/protocol/entry.ts'
import { living, unbroken } from '../../src/store/cassandra/log.ts'

type Row = { readonly seq: number; readonly term: number; readonly stamp: number; readonly entry: Entry | null }
type Mark = { readonly term: number; readonly tail: number; readonly since: number }
type Write = { readonly rows: readonly Row[]; readonly mark: Mark }

class Replica {
  readonly rows = new Map<string, Row>()
  readonly marks = new Map<number, Mark>()

  take({ rows, mark }: Write): void {
    for (const row of rows) this.put(row)
    this.note(mark)
  }
  /** A row without an entry is what a read of some columns leaves. */
  put(row: Row): void {
    const key = `${row.seq}/${row.term}`
    const known = this.rows.get(key)
    if (!known?.entry || (row.entry && row.stamp > known.stamp)) this.rows.set(key, row)
  }
  note(mark: Mark): void {
    if ((this.marks.get(mark.term)?.tail ?? 0) <= mark.tail) this.marks.set(mark.term, mark)
  }
}

export class Rows {
  readonly #replicas = [new Replica(), new Replica(), new Replica()]
  readonly #draw: () => number
  #late: { readonly to: Replica; readonly write: Write }[] = []
  #stamp = 0

  /** `draw`: a number from 0 to 1. */
  constructor(draw: () => number) {
    this.#draw = draw
  }

  /** Entries that follow the tail. `sure`: at least two replicas take them at once. */
  append(term: number, entries: readonly Entry[], sure: boolean): void {
    const [since, tail] = [entries[0]?.seq ?? 0, entries.at(-1)?.seq ?? 0]
    this.#write(term, entries, { term, tail, since }, sure)
  }

  /**
   * What the owner of a term finds, who knows that all up to `acked` was acknowledged. `settles`: they make sure of its end; `dies`: they
   * do not live to see that done.
   */
  own(term: number, acked: number, settles: boolean, dies: boolean): readonly Entry[] {
    this.#land()
    if (this.#draw() < 0.2) this.#ask(1, false)
    const [mark] = this.#marks()
    const last = this.#last()
    if (!mark) return []
    if (last?.entry && last.term >= mark.term && last.seq <= acked) return this.read(last.seq)
    const keys = unbroken(living(this.#ask(mark.since - 1, true)), mark.since, () => false)
    const tail = keys.at(-1)?.seq ?? mark.since - 1
    const doubtful = keys.filter(({ seq }) => seq >= mark.since).map(({ entry }) => entry as Entry)
    if (settles && doubtful.length > 0) this.#write(term, doubtful, { term, tail, since: mark.since }, !dies)
    return dies ? [] : this.read(tail)
  }

  /** All up to a seq that is on a quorum. A page ends before a gap, and is read again from there. */
  read(tail: number): readonly Entry[] {
    const entries: Entry[] = []
    while (entries.length < tail) {
      const from = entries.length + 1
      const rows = unbroken(living(this.#ask(from - 1, true)), from, () => false)
      const page = rows.filter(({ seq }) => seq >= from && seq <= tail)
      expect(page.length, `${from} is there`).toBeGreaterThan(0)
      entries.push(...page.map(({ entry }) => entry as Entry))
    }
    return entries
  }

  #write(term: number, entries: readonly Entry[], mark: Mark, sure: boolean): void {
    this.#stamp += 1
    const rows = entries.map((entry) => ({ seq: entry.seq, term, stamp: this.#stamp, entry }))
    const write = { rows, mark }
    const without = sure ? this.#two() : []
    for (const to of this.#replicas) {
      const drawn = this.#draw()
      if (drawn < 0.4 || without.includes(to)) to.take(write)
      else if (drawn < 0.8) this.#late.push({ to, write })
    }
  }

  #land(): void {
    const late = this.#late
    this.#late = []
    for (const { to, write } of late) this.#draw() < 0.3 ? to.take(write) : this.#late.push({ to, write })
  }

  #two(): Replica[] {
    const left = Math.floor(this.#draw() * 3)
    return this.#replicas.filter((_, at) => at !== left)
  }

  #marks(): Mark[] {
    const asked = this.#two()
    for (const { marks } of asked) for (const mark of marks.values()) for (const each of asked) each.note(mark)
    return [...(asked[0]?.marks.values() ?? [])].sort((a, b) => b.term - a.term)
  }

  #last(): Row | undefined {
    const asked = this.#two()
    const rows = asked.flatMap((replica) => [...replica.rows.values()])
    const last = rows.sort((a, b) => b.seq - a.seq || a.term - b.term || b.stamp - a.stamp)[0]
    if (last) for (const replica of asked) replica.put(last)
    return last
  }

  /** The rows with an entry from a seq on. `whole`: all columns are asked for, and agreed upon. */
  #ask(from: number, whole: boolean): Row[] {
    const asked = this.#two()
    const rows = asked.flatMap((replica) => [...replica.rows.values()].filter(({ seq }) => seq >= from))
    for (const replica of asked)
      for (const row of rows)
        if (whole || !replica.rows.has(`${row.seq}/${row.term}`)) replica.put(whole ? row : { ...row, entry: null })
    const agreed = [...(asked[0]?.rows.values() ?? [])].filter(({ seq, entry }) => seq >= from && entry)
    return agreed.sort((a, b) => a.seq - b.seq || b.term - a.term)
  }
}
