/**
 * Cassandra's rows, as nodes see them. A change is a compare-and-set on the last version; a read sees all changes of which somebody knows that
 * they were made, and of the others, which some replicas have, any.
 */
import {
  type ClusterStore,
  type LifeRow,
  type MemberRow,
  type Members,
  partOf,
  type ShardRow,
} from '../../../src/store/contract.ts'
import type { Chance } from './chance.ts'

export class Versions<T> {
  readonly #all: T[]
  #known = 0

  constructor(first: T) {
    this.#all = [first]
  }

  get last(): T {
    return this.#all.at(-1) as T
  }

  read(chance: Chance): T {
    return this.#all[this.#known + chance.below(this.#all.length - this.#known)] as T
  }

  /** Answers what tells of its outcome, where that comes to somebody. */
  write(value: T): void {
    this.#all.push(value)
  }

  /** Somebody knows that it is so. */
  know(): void {
    this.#known = this.#all.length - 1
  }
}

/** A change of rows, or a read of them; `known`: the answer has come to who asked. */
export type Access<T> = { readonly answer: T; readonly known: () => void }
type Sync = {
  [K in Exclude<keyof ClusterStore, 'makeShards' | 'alone' | 'beAlone'>]: ClusterStore[K] extends (
    ...args: infer A
  ) => Promise<infer R>
    ? (...args: A) => Access<R>
    : never
}

export class Rows implements Sync {
  readonly #chance: Chance
  readonly lifeRows = new Map<number, Versions<LifeRow | undefined>>()
  readonly memberRows = new Versions<Members>({ view: 0, rows: [] })
  readonly parts: Versions<readonly ShardRow[]>[]

  constructor(shards: number, chance: Chance) {
    this.#chance = chance
    const parts = new Map<number, ShardRow[]>()
    for (let shard = 0; shard < shards; shard++)
      parts.set(partOf(shard), [...(parts.get(partOf(shard)) ?? []), { shard, owner: 0, term: 1 }])
    this.parts = [...parts.values()].map((rows) => new Versions(rows))
  }

  #life(life: number): Versions<LifeRow | undefined> {
    const found = this.lifeRows.get(life) ?? new Versions<LifeRow | undefined>(undefined)
    this.lifeRows.set(life, found)
    return found
  }

  #changed<T>(row: Versions<T>, next: T | undefined): Access<T> {
    if (next !== undefined) row.write(next)
    return { answer: row.last, known: () => row.know() }
  }

  renew(life: number, beat: number, first: boolean): Access<LifeRow | undefined> {
    const row = this.#life(life)
    const { last } = row
    const fits = first ? last === undefined : last?.state === 'up' && last.beat < beat
    return this.#changed(row, fits ? { state: 'up', beat } : undefined)
  }

  mark(life: number, beat: number | null): Access<LifeRow | undefined> {
    const row = this.#life(life)
    const { last } = row
    const fits = last?.state === 'up' && (beat === null || last.beat === beat)
    return this.#changed(row, fits ? { state: 'dead', beat: last.beat } : undefined)
  }

  lives(lives: readonly number[]): Access<ReadonlyMap<number, LifeRow>> {
    const rows = new Map<number, LifeRow>()
    for (const life of lives) {
      const row = this.#life(life).read(this.#chance)
      if (row) rows.set(life, row)
    }
    return { answer: rows, known: () => {} }
  }

  members(): Access<Members> {
    return { answer: this.memberRows.read(this.#chance), known: () => {} }
  }

  change(view: number, join: MemberRow | null, leave: readonly number[]): Access<boolean> {
    const { last } = this.memberRows
    const fits = last.view === view
    const rows = last.rows.filter(({ life }) => life !== join?.life && !leave.includes(life))
    const { known } = this.#changed(
      this.memberRows,
      fits ? { view: view + 1, rows: join ? [...rows, join] : rows } : undefined,
    )
    return { answer: fits, known }
  }

  shards(): Access<readonly ShardRow[]> {
    return { answer: this.parts.flatMap((part) => part.read(this.#chance)), known: () => {} }
  }

  move(moves: readonly { readonly from: ShardRow; readonly to: ShardRow }[]): Access<readonly ShardRow[]> {
    const shards = new Map(moves.map((move) => [move.from.shard, move]))
    const part = this.parts[partOf(moves[0]?.from.shard ?? 0)] as Versions<readonly ShardRow[]>
    const fits = moves.every(({ from }) =>
      part.last.some((row) => row.shard === from.shard && row.owner === from.owner && row.term === from.term),
    )
    const next = part.last.map((row) => shards.get(row.shard)?.to ?? row)
    const { known } = this.#changed(part, fits ? next : undefined)
    return { answer: part.last.filter(({ shard }) => shards.has(shard)), known }
  }
}
