/** What a node has of one shard while it is its own: a writer of the log and of the record. All that it is told by the store goes through the gate. */
import type { Row } from './replicas.ts'
import type { Node, Owning } from './types.ts'

/** Milliseconds after which a yielding owner goes, whatever it waits for. */
const yieldMs = 5_000

export class Owner implements Owning {
  readonly #node: Node
  readonly #shard: number
  readonly #term: number
  #log: Row[] | undefined
  #writing = false
  #yieldingSince: number | undefined
  #stamps = 0
  gone = false

  constructor(node: Node, shard: number, term: number) {
    this.#node = node
    this.#shard = shard
    this.#term = term
    this.#load()
  }

  get #world() {
    return this.#node.world
  }

  /** The answer comes, later or never, and then counts as soon as the gate says so. */
  #heed(ask: () => boolean | undefined, then: (ok: boolean) => void): void {
    this.#node.ask(
      () => ({ answer: ask() ?? false, known: () => {} }),
      2_000,
      (ok) => {
        if (!this.gone) this.#node.gate.enter(this.#shard, this.#term, () => !this.gone && then(ok === true))
      },
    )
  }

  #load(): void {
    let rows: Row[] = []
    const read = () => {
      rows = this.#world.replicas(this.#shard).read()
      return true
    }
    this.#heed(read, (ok) => {
      if (!ok) return this.#load()
      const last = rows.at(-1)
      if (!last || last.term === this.#term) return this.#serve(rows)
      // What came last may be on one replica only: it is made sure of under the own term, before anybody hears of it.
      const again = rows.filter(({ seq }) => seq >= last.first).map((row) => ({ ...row, term: this.#term }))
      this.#write(again, () => this.#serve([...rows.slice(0, -again.length), ...again]))
    })
  }

  #serve(rows: Row[]): void {
    this.#log = rows
    this.#world.served(this.#shard, rows)
  }

  #write(rows: readonly Row[], then: () => void): void {
    this.#writing = true
    this.#heed(
      () => this.#world.replicas(this.#shard).write(rows, this.#world.ill),
      (ok) => {
        if (!ok) return this.#write(rows, then)
        this.#writing = false
        then()
      },
    )
  }

  append(): void {
    const log = this.#log
    if (!log || this.#writing || this.#yieldingSince !== undefined) return
    const first = log.length + 1
    const rows = Array.from({ length: 1 + this.#world.chance.below(2) }, (_, n) => ({
      seq: first + n,
      term: this.#term,
      id: this.#world.id(),
      first,
    }))
    this.#write(rows, () => {
      log.push(...rows)
      this.#world.sent(this.#shard, rows)
    })
  }

  save(): void {
    if (!this.#log || this.#yieldingSince !== undefined) return
    this.#stamps += 1
    const kept = { stamp: this.#node.stamp(this.#term, this.#stamps), n: this.#world.id() }
    this.#heed(
      () => {
        this.#world.replicas(this.#shard).save(kept)
        return true
      },
      (ok) => ok && this.#world.saved(this.#shard, kept.n),
    )
  }

  /** Takes away what there is, page by page, as an erasure does: while nothing is under way, and by what it has read alone. */
  wipe(): void {
    if (!this.#log || this.#writing || this.#yieldingSince !== undefined) return
    this.#writing = true
    this.#wipePage(20)
  }

  #wipePage(left: number): void {
    let rows: Row[] = []
    const read = () => {
      rows = this.#world.replicas(this.#shard).rows()
      this.#world.wiping(
        this.#shard,
        rows.filter(({ term }) => term <= this.#term),
      )
      return true
    }
    const blank = () => {
      this.#world.replicas(this.#shard).wipe(rows)
      return true
    }
    this.#step(read, (ok) => {
      if (!ok) return this.#wiped()
      this.#step(blank, (ok) => (ok && left > 1 ? this.#wipePage(left - 1) : this.#wiped()))
    })
  }

  /** What comes of it counts as all else does. */
  #step(ask: () => boolean, then: (ok: boolean) => void): void {
    if (!this.#world.mutant.blind) return this.#heed(ask, then)
    this.#node.ask(
      () => ({ answer: ask(), known: () => {} }),
      2_000,
      (ok) => then(ok === true),
    )
  }

  #wiped(): void {
    this.#writing = false
  }

  yield(): void {
    this.#yieldingSince ??= this.#node.times.monotonic
  }

  /** Whether it has gone, as it was asked to. */
  look(): boolean {
    const { monotonic } = this.#node.times
    if (this.#yieldingSince === undefined) return false
    if (this.#writing && monotonic - this.#yieldingSince < yieldMs) return false
    this.gone = true
    return true
  }
}
