/**
 * Several nodes on one Cassandra, on virtual time. The machine and the gate are those of src/cluster; clocks, processes, rows and
 * replicas are not, and go wrong in all the ways that they do.
 */
import { type Timings, timingsOf } from '../../../src/cluster/timings.ts'
import type { Former, MemberMessage } from '../../../src/cluster/types.ts'
import { Chance } from './chance.ts'
import { Clocks, Process } from './process.ts'
import { Queue } from './queue.ts'
import { Replicas, type Row } from './replicas.ts'
import { Rows } from './rows.ts'
import type { Ground, Mutant, Node } from './types.ts'

/** What breaks a guarantee. */
export class Broken extends Error {}

type Kept = {
  readonly replicas: Replicas
  readonly served: Map<number, number>
  saved: number
  /** Up to there something may have been taken away. */
  wiped: number
}

export class World implements Ground {
  readonly queue = new Queue()
  readonly chance: Chance
  readonly rows: Rows
  readonly timings: Timings
  readonly mutant: Mutant
  readonly processes = new Map<string, Process>()
  readonly clocks = new Map<string, Clocks>()
  ill = false
  /** Nobody reaches Cassandra. */
  down = false
  readonly counts = { sent: 0, moves: 0, deaths: 0 }
  readonly #kept: Kept[]
  readonly #terms = new Map<string, number>()
  readonly #shards: number
  #ids = 0
  #lives = 0
  #seen = new WeakSet<Node>()

  constructor(seed: number, shards: number, mutant: Mutant = {}) {
    this.chance = new Chance(seed)
    this.mutant = mutant
    this.timings = { ...timingsOf(), ...mutant.timings }
    this.rows = new Rows(shards, this.chance)
    this.#shards = shards
    this.#kept = Array.from({ length: shards }, () => ({
      replicas: new Replicas(this.chance, this.queue),
      served: new Map(),
      saved: 0,
      wiped: 0,
    }))
  }

  /** `ended`: it is known which life of this name has. */
  start(name: string, known: 'ended' | 'said' | null = null): Process {
    const before = this.processes.get(name)
    const former: Former = known === 'ended' && before?.over ? { ended: before.life } : known === 'said' ? 'said' : null
    const clocks = this.clocks.get(name) ?? new Clocks(1_000 + this.chance.below(100_000), 0)
    this.clocks.set(name, clocks)
    this.#lives += 1
    const process = new Process(this, name, this.#lives, former, clocks)
    this.processes.set(name, process)
    return process
  }

  of(name: string): Process {
    return this.processes.get(name) as Process
  }

  /** kill -9. */
  kill(name: string): void {
    this.of(name).end()
  }

  id(): number {
    this.#ids += 1
    return this.#ids
  }

  way(process: Node): number | null {
    if (this.down || process.cutOff) return null
    if (!this.ill) return this.chance.next() * 20
    if (this.chance.is(0.08)) return null
    return this.chance.next() * this.chance.of([300, 300, 300, 300, 3_000, 3_000, 40_000])
  }

  replicas(shard: number): Replicas {
    return (this.#kept[shard] as Kept).replicas
  }

  spread(from: Node, message: MemberMessage): void {
    for (const to of this.processes.values()) {
      if (to === from || (this.ill && this.chance.is(0.3))) continue
      this.queue.after(this.chance.next() * 50, () => to.deliver(() => to.tell(message)))
    }
  }

  pass(ms: number): void {
    this.queue.pass(ms)
    for (const clocks of this.clocks.values()) clocks.pass(ms)
  }

  /** Some milliseconds pass, and each process has its turn. */
  step(ms: number): void {
    this.pass(ms)
    for (const process of this.processes.values()) process.step()
    this.#lookForTwo()
  }

  run(ms: number, stepMs = 250): void {
    for (let left = ms; left > 0; left -= stepMs) {
      this.step(Math.min(left, stepMs))
      for (const process of this.processes.values()) this.work(process)
    }
  }

  /** Its owners write. */
  work(process: Process): void {
    if (process.over || process.pausedUntil > this.queue.now) return
    for (const owner of process.owners.values()) {
      if (this.chance.is(0.3)) owner.append()
      if (this.chance.is(0.15)) owner.save()
      if (this.chance.is(0.015)) owner.wipe()
    }
  }

  /** Two that may answer for one shard at one moment. */
  #lookForTwo(): void {
    const found = new Map<number, Process>()
    for (const process of this.processes.values()) {
      if (process.over) continue
      for (const [shard, { term }] of process.state.spells) {
        if (process.passage(shard, term) !== 'passes') continue
        const other = found.get(shard)
        if (other) throw new Broken(`two owners: ${other.name} and ${process.name} of shard ${shard}`)
        found.set(shard, process)
      }
    }
  }

  taken(process: Node, shard: number, term: number): void {
    const key = `${shard}/${term}`
    const other = this.#terms.get(key)
    if (other !== undefined && other !== process.life) throw new Broken(`one term, two owners: ${key}`)
    if (other === undefined) this.counts.moves += 1
    this.#terms.set(key, process.life)
  }

  served(shard: number, rows: readonly Row[]): void {
    const { served } = this.#kept[shard] as Kept
    for (const { seq, id } of rows) {
      const earlier = served.get(seq)
      if (earlier !== undefined && earlier !== id) throw new Broken(`two contents at ${seq} of shard ${shard}`)
      served.set(seq, id)
    }
    if (rows.length < served.size) throw new Broken(`shown and lost: ${rows.length + 1} of shard ${shard}`)
  }

  sent(shard: number, rows: readonly Row[]): void {
    this.counts.sent += rows.length
    const { served } = this.#kept[shard] as Kept
    for (const { seq, id } of rows) {
      const earlier = served.get(seq)
      if (earlier !== undefined && earlier !== id) throw new Broken(`two contents at ${seq} of shard ${shard}`)
      served.set(seq, id)
    }
  }

  saved(shard: number, n: number): void {
    const kept = this.#kept[shard] as Kept
    kept.saved = Math.max(kept.saved, n)
    if (kept.replicas.kept.n < n) throw new Broken(`acknowledged, and hidden: ${n} of shard ${shard}`)
  }

  wiping(shard: number, rows: readonly Row[]): void {
    const kept = this.#kept[shard] as Kept
    for (const { seq } of rows) kept.wiped = Math.max(kept.wiped, seq)
  }

  ended(process: Node): void {
    if (this.#seen.has(process)) return
    this.#seen.add(process)
    if (process.state.phase === 'fenced') this.counts.deaths += 1
  }

  /** All is well from here on. */
  heal(): void {
    this.ill = false
    this.down = false
    for (const process of this.processes.values()) {
      process.pausedUntil = 0
      process.cutOff = false
      process.clocks.asleep = false
    }
  }

  /** All that was late has come: what was sent is there, and each shard has one owner, whom all know. */
  check(): void {
    this.queue.pass(200_000)
    for (const [shard, { replicas, served, saved, wiped }] of this.#kept.entries()) {
      const rows = replicas.whole()
      for (const [seq, id] of served) {
        const row = rows[seq - 1]
        if (row?.id !== id) throw new Broken(`sent and lost: ${seq} of shard ${shard}`)
        if (seq > wiped && replicas.isGone(row)) throw new Broken(`sent and taken away: ${seq} of shard ${shard}`)
      }
      if (replicas.kept.n < saved) throw new Broken(`acknowledged and lost: ${saved} of shard ${shard}`)
    }
  }

  /** Of each shard the name of its owner, where it has one who may answer and whom all know. */
  owners(): (string | undefined)[] {
    const running = [...this.processes.values()].filter(({ over }) => !over)
    return Array.from({ length: this.#shards }, (_, shard) => {
      const known = new Set(running.map(({ state }) => state.shards.get(shard)?.owner))
      const owner = running.find(({ life }) => known.size === 1 && known.has(life))
      const term = owner?.state.spells.get(shard)?.term
      return term !== undefined && owner?.passage(shard, term) === 'passes' ? owner.name : undefined
    })
  }
}
