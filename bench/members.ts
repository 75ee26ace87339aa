/** Nodes of one cluster, each a process, that are measured as if they were one. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { CassandraOptions } from '../src/store/cassandra/connection.ts'
import { type Child, startChild } from './child.ts'
import { type NodeSample, together } from './sample.ts'
import { started } from './started.ts'
import type { Ways } from './ways.ts'

const lookMs = 500
/** Of a machine that has other things to do, too. */
const patienceMs = 300_000

export class Members {
  readonly #keyspace: CassandraOptions
  readonly #nodes: Child[] = []
  readonly #ports: number[] = []
  readonly #flags: readonly string[]

  /** `flags`: for Node. */
  constructor(keyspace: CassandraOptions, flags: readonly string[] = []) {
    this.#keyspace = keyspace
    this.#flags = flags
  }

  get ports(): readonly number[] {
    return this.#ports
  }

  /** One more. `port`: the one that they share; 0: one of its own. */
  async add(port = 0): Promise<void> {
    const args = [`n${this.#nodes.length + 1}`, JSON.stringify(this.#keyspace)]
    const child = startChild('member', args, [...started.flags, ...this.#flags], started.env)
    this.#nodes.push(child)
    this.#ports.push((await child.ask<{ port: number }>('listen', { port, shared: port !== 0 })).port)
  }

  /** By the number of a shard, which of the nodes has it: when each has its part, and nothing moves any more. */
  async owners(): Promise<Ways['owners']> {
    const until = performance.now() + patienceMs
    for (let before = ''; performance.now() < until; await sleep(lookMs)) {
      const each = await this.all<readonly number[]>('shards')
      const owners: number[] = []
      for (const [n, shards] of each.entries()) for (const shard of shards) owners[shard] = n
      const count = each.reduce((sum, { length }) => sum + length, 0)
      const isWhole = count === owners.length && Math.min(...each.map(({ length }) => length)) > count / each.length / 2
      if (isWhole && before === owners.join()) return owners
      before = owners.join()
    }
    throw new Error(`the nodes have not shared the shards within ${patienceMs / 1_000} s`)
  }

  all<Answer>(what: string, args?: unknown): Promise<Answer[]> {
    return Promise.all(this.#nodes.map((child) => child.ask<Answer>(what, args)))
  }

  samples(): Promise<NodeSample[]> {
    return this.all<NodeSample>('sample')
  }

  /** As a process that is measured. */
  readonly asOne = {
    ask: async <Answer>(what: string, args?: unknown): Promise<Answer> =>
      (what === 'sample' ? together(await this.samples()) : await this.all(what, args)) as Answer,
    // Whoever has started them ends them.
    stop: async () => {},
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((child) => child.stop()))
  }
}
