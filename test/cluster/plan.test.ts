import { expect, it } from 'vitest'
import { plan, roomOf } from '../../src/cluster/plan.ts'

const names = (count: number) => Array.from({ length: count }, (_, n) => `node-${n}`)
/** The name of the node that each shard has. */
const named = (shards: number, nodes: readonly string[]) => plan(shards, nodes).map((index) => nodes[index])
const moved = (a: readonly unknown[], b: readonly unknown[]) => a.filter((node, shard) => node !== b[shard]).length

it.each([
  [1_024, 3],
  [1_024, 10],
  [1_024, 100],
  [16_384, 100],
])('%i shards on %i nodes: none has more than 5 % over the mean', (shards, nodes) => {
  const load = new Map<number, number>()
  for (const index of plan(shards, names(nodes))) load.set(index, (load.get(index) ?? 0) + 1)
  expect(load.size).toBe(nodes)
  expect(Math.max(...load.values())).toBeLessThanOrEqual(roomOf(shards, nodes))
})

it('is the same for all who know the same names, and never changes: nodes of two releases must agree', () => {
  expect(plan(12, names(3))).toEqual([1, 0, 2, 2, 0, 0, 0, 0, 1, 1, 2, 1])
})

it.each([3, 10])(
  'moves little more than it must when one of %i nodes leaves, and all of that back when it returns',
  (nodes) => {
    const before = named(1_024, names(nodes))
    const had = before.filter((node) => node === `node-${nodes - 1}`).length
    expect(moved(before, named(1_024, names(nodes - 1)))).toBeLessThan(1.15 * had)
    expect(moved(before, named(1_024, names(nodes)))).toBe(0)
  },
)

it('has one node for all where there is one', () => {
  expect(new Set(plan(1_024, ['a']))).toEqual(new Set([0]))
})
