/** What the parts of a world see of each other: the world of its processes, and those of whoever owns a shard in them. */
import type { Gate, Passage } from '../../../src/cluster/gate.ts'
import type { Timings } from '../../../src/cluster/timings.ts'
import type { MemberEffect, MemberMessage, MemberState } from '../../../src/cluster/types.ts'
import type { Times } from '../../../src/runtime/clock.ts'
import type { Chance } from './chance.ts'
import type { Queue } from './queue.ts'
import type { Replicas, Row } from './replicas.ts'
import type { Access, Rows } from './rows.ts'

/** A rule that is broken on purpose: what catches it is worth its name. */
export type Mutant = {
  readonly timings?: Partial<Timings>
  readonly at?: (times: Times) => Times
  readonly effect?: (effect: MemberEffect) => MemberEffect
  readonly passage?: (real: Passage, node: Node, shard: number, term: number) => Passage
  readonly stamp?: (node: Node, count: number) => number
  /** What was read is written over, whoever has it by then. */
  readonly blind?: boolean
  /** A change of a part has an unknown outcome. */
  readonly unknown?: (node: Node) => void
}

/** Where a process runs: time, Cassandra, the others, and who looks at what comes of it. */
export type Ground = {
  readonly queue: Queue
  readonly chance: Chance
  readonly rows: Rows
  readonly timings: Timings
  readonly mutant: Mutant
  /** Whether requests are late and lost, and writes reach some replicas only. */
  readonly ill: boolean
  id(): number
  /** Milliseconds that a message to Cassandra, or from it, takes; null: it is lost. */
  way(from: Node): number | null
  /** To all others that it reaches. */
  spread(from: Node, message: MemberMessage): void
  replicas(shard: number): Replicas
  taken(by: Node, shard: number, term: number): void
  /** An owner has read the log, and shows it. */
  served(shard: number, rows: readonly Row[]): void
  sent(shard: number, rows: readonly Row[]): void
  saved(shard: number, n: number): void
  /** An owner is about to take these away. */
  wiping(shard: number, rows: readonly Row[]): void
  ended(node: Node): void
}

/** One start of a node. */
export type Node = {
  readonly world: Ground
  readonly life: number
  readonly state: MemberState
  readonly gate: Gate
  readonly owners: Map<number, Owning>
  readonly times: Times
  readonly cutOff: boolean
  stamp(term: number, count: number): number
  /** Asks Cassandra: the request is late or lost, and so is the answer; after `timeoutMs` nothing is known. */
  ask<T>(request: () => Access<T>, timeoutMs: number, heed: (answer: T | 'unknown') => void): void
}

/** What a node has of one shard while it is its own. */
export type Owning = {
  gone: boolean
  append(): void
  save(): void
  wipe(): void
  yield(): void
  /** Whether it has gone, as it was asked to. */
  look(): boolean
}
