/** A store in memory that several nodes share, as they share Cassandra: each has a way to it of its own, which may be cut. */
import { memoryStore } from '../../src/index.ts'
import type { ClusterStore, Store } from '../../src/store/contract.ts'
import { StoreError } from '../../src/store/error.ts'
import { Chance } from '../simulation/ownership/chance.ts'
import { type Access, Rows } from '../simulation/ownership/rows.ts'

/** Each answer comes. */
const told = async <T>({ answer, known }: Access<T>): Promise<T> => {
  known()
  return answer
}

/** Rows of which one change is made after the other. */
export function clusterRows(): ClusterStore {
  let rows = new Rows(0, new Chance(1))
  let [made, alone] = [0, 0]
  return {
    async makeShards(count) {
      if (made === 0) rows = new Rows(count, new Chance(1))
      made ||= count
      return made
    },
    lives: (lives) => told(rows.lives(lives)),
    renew: (life, beat, first) => told(rows.renew(life, beat, first)),
    mark: (life, beat) => told(rows.mark(life, beat)),
    alone: async () => alone,
    async beAlone(life) {
      alone = life
    },
    members: () => told(rows.members()),
    change: (view, join, leave) => told(rows.change(view, join, leave)),
    shards: () => told(rows.shards()),
    move: (moves) => told(rows.move(moves)),
  }
}

export type Way = { readonly store: Store; cut: boolean }

export async function shared(): Promise<(datacenter?: string) => Way> {
  const inner = memoryStore()
  await inner.open()
  const rows = clusterRows()
  return (datacenter = 'dc1') => {
    const way: { store: Store; cut: boolean } = { store: inner, cut: false }
    const call =
      (target: object, name: string) =>
      async (...args: unknown[]) => {
        if (way.cut) throw new StoreError('unavailable', 'nobody answers')
        return (target as Record<string, (...args: unknown[]) => unknown>)[name]?.(...args)
      }
    const all = (target: object) =>
      Object.fromEntries(Object.keys(target).map((name) => [name, call(target, name)])) as never
    const { lives: _, ...calls } = inner
    const store: Store = {
      ...(all(calls) as Store),
      open: async () => {},
      close: async () => {},
      cluster: all(rows),
      under: () => store,
      health: async () => (way.cut ? { ok: false, reason: 'nobody answers' } : { ok: true }),
      datacenter,
    }
    way.store = store
    return way
  }
}
