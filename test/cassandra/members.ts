/** Three nodes of one cluster, each with a driver of its own: only what decides whose the shards are, with no actors. */
import { expect, vi } from 'vitest'
import { type RunningMember, startMember } from '../../src/cluster/running.ts'
import type { Former } from '../../src/cluster/types.ts'
import { systemClock } from '../../src/runtime/index.ts'
import type { CassandraOptions } from '../../src/store/cassandra/connection.ts'
import { type CassandraStore, cassandraStore } from '../../src/store/cassandra.ts'

const shards = 130
/** Longer than a host hangs, by what a starved machine may take besides. */
const leaseMs = 20_000

type Named = { readonly member: RunningMember; readonly said: string[]; readonly store: CassandraStore }

export class Members {
  readonly #options: CassandraOptions
  readonly #all = new Map<string, Named>()
  readonly #killed = new Map<string, number>()

  constructor(options: CassandraOptions) {
    this.#options = options
  }

  /** `ended`: the life of that name that was killed has. */
  async start(name: string, known: 'ended' | null = null): Promise<Named> {
    const former: Former = known ? { ended: this.#killed.get(name) ?? 0 } : null
    const store = cassandraStore(this.#options)
    await store.open()
    expect(await store.cluster.makeShards(shards)).toBe(shards)
    const said: string[] = []
    const me = { life: await store.takeTerm(), name, state: 'up', dc: 'dc1', link: `${name}:1`, proto: 1 } as const
    const member = startMember({
      store: store.cluster,
      clock: systemClock,
      me,
      former,
      leaseMs,
      host: (wish, self) => {
        said.push(wish.do === 'become' ? wish.standing : wish.do)
        if (wish.do === 'yield') self.tell({ is: 'yielded', gone: [wish] })
        if (wish.do === 'emptied') self.tell({ is: 'closed' })
        if (wish.do === 'tell')
          for (const { member } of this.#others(name)) member.tell({ is: 'heard', rows: wish.rows })
      },
    })
    const named = { member, said, store }
    this.#all.set(name, named)
    return named
  }

  #others(name: string): Named[] {
    return [...this.#all].filter(([other]) => other !== name).map(([, named]) => named)
  }

  of(name: string): Named {
    return this.#all.get(name) as Named
  }

  /** As by kill -9. */
  async kill(name: string): Promise<void> {
    const { member, store } = this.of(name)
    member.stop()
    this.#killed.set(name, member.state.me.life)
    this.#all.delete(name)
    await store.close()
  }

  async end(): Promise<void> {
    for (const name of [...this.#all.keys()]) await this.kill(name)
  }

  /** How many shards each may answer for; what no one or two may is not counted. */
  counts(): Record<string, number> {
    const owners = Array.from({ length: shards }, (_, shard) =>
      [...this.#all].filter(([, { member }]) => {
        const term = member.state.spells.get(shard)?.term
        return term !== undefined && this.#passes(member, shard, term)
      }),
    )
    const counts: Record<string, number> = {}
    for (const [one, other] of owners) if (one && !other) counts[one[0]] = (counts[one[0]] ?? 0) + 1
    return counts
  }

  #passes({ gate }: RunningMember, shard: number, term: number): boolean {
    let passed = false
    gate.enter(shard, term, () => {
      passed = true
    })
    return passed
  }

  /** Until these have all shards. */
  async share(...names: readonly string[]): Promise<void> {
    const isShared = () => {
      const counts = this.counts()
      const sum = Object.values(counts).reduce((all, count) => all + count, 0)
      return sum === shards && Object.keys(counts).sort().join() === [...names].sort().join()
    }
    await vi.waitUntil(isShared, { timeout: 150_000, interval: 100 })
  }
}
