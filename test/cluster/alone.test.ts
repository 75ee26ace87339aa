/** A node that has its store for itself, and nodes of a cluster, which do not share one with it. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { awaitAlone, beAlone } from '../../src/cluster/alone.ts'
import { systemClock } from '../../src/runtime/index.ts'
import type { ClusterStore, MemberRow } from '../../src/store/contract.ts'
import { clusterRows } from '../forwarding/shared.ts'

const n1: MemberRow = { life: 9, name: 'n1', state: 'up', dc: 'dc1', link: 'n1:1', proto: 1 }
let store: ClusterStore
beforeEach(async () => {
  vi.useFakeTimers()
  store = clusterRows()
  await store.makeShards(4)
})
afterEach(() => void vi.useRealTimers())

/** How it comes out, within that many seconds. */
async function within(seconds: number, promise: Promise<unknown>): Promise<string> {
  let out = 'nothing yet'
  promise.then(
    () => {
      out = 'yes'
    },
    (error) => {
      out = error.message
    },
  )
  await vi.advanceTimersByTimeAsync(seconds * 1000)
  return out
}

it('a cluster does not begin where a node is that has the store for itself, and begins at once when that has ended', async () => {
  expect(await within(0, awaitAlone(store, systemClock))).toBe('yes')
  const { end } = await beAlone(store, 3, systemClock, () => {})
  expect(await within(20, awaitAlone(store, systemClock))).toMatch(
    /^A node that is in no cluster runs on this keyspace/,
  )
  await end()
  expect(await within(0, awaitAlone(store, systemClock))).toBe('yes')
})

it('one that was killed is waited for half a minute; if it wakes after that, it ends', async () => {
  let reaches = true
  const broke: string[] = []
  const cut: ClusterStore = {
    ...store,
    renew: (...args) => (reaches ? store.renew(...args) : Promise.reject(new Error('nobody answers'))),
  }
  const { heed } = await beAlone(cut, 3, systemClock, ({ code }) => broke.push(code))
  reaches = false
  const told: string[] = []
  const ask = (what: string) =>
    heed(
      () => told.push(what),
      () => told.push(`${what}, not`),
    )
  ask('at once')
  const begun = awaitAlone(store, systemClock)
  expect(await within(21, begun)).toBe('nothing yet')
  ask('after its lease')
  expect(await within(8, begun)).toBe('nothing yet')
  expect(await within(2, begun)).toBe('yes')
  ask('beside a cluster')
  expect([told, broke]).toEqual([['at once'], []])
  reaches = true
  await within(11, begun)
  expect([told, broke]).toEqual([['at once', 'after its lease, not', 'beside a cluster, not'], ['fenced']])
})

it('one that has ended stays so, whatever answers late', async () => {
  const answers: ((row: { state: 'up'; beat: number }) => void)[] = []
  const slow: ClusterStore = {
    ...store,
    renew(...args) {
      const [, beat] = args
      if (beat === 1) return store.renew(...args)
      return beat === 2 ? new Promise((resolve) => answers.push(resolve)) : Promise.resolve({ state: 'dead', beat })
    },
  }
  const broke: string[] = []
  const { heed } = await beAlone(slow, 3, systemClock, ({ code }) => broke.push(code))
  await within(11, Promise.resolve())
  answers[0]?.({ state: 'up', beat: 2 })
  await within(0, Promise.resolve())
  const told: string[] = []
  heed(
    () => told.push('counts'),
    () => told.push('not'),
  )
  expect([told, broke]).toEqual([['not'], ['fenced']])
})

it('one that could not say for a while that it is there answers what it holds as soon as it has said so', async () => {
  let reaches = true
  const cut: ClusterStore = {
    ...store,
    renew: (...args) => (reaches ? store.renew(...args) : Promise.reject(new Error('nobody answers'))),
  }
  const { heed } = await beAlone(cut, 3, systemClock, () => expect.fail())
  reaches = false
  await within(25, Promise.resolve())
  let passed = false
  heed(() => {
    passed = true
  })
  expect(passed).toBe(false)
  reaches = true
  await within(6, Promise.resolve())
  expect(passed).toBe(true)
})

it('a node that is in no cluster does not begin where one has begun, and leaves nothing that a cluster waits for', async () => {
  await store.change(0, n1, [])
  await expect(beAlone(store, 3, systemClock, () => {})).rejects.toThrow(
    'This keyspace is that of a cluster, of n1: start this node with cluster: { name } (--node-name), alone or not.',
  )
  expect(await within(0, awaitAlone(store, systemClock))).toBe('yes')
})

it('of both, who begin at the same moment, one does not', async () => {
  const alone = beAlone(store, 3, systemClock, () => {})
  const member = store.change(0, n1, []).then(() => awaitAlone(store, systemClock))
  const outcomes = [await within(40, alone), await within(0, member)]
  expect(outcomes.filter((out) => out === 'yes').length).toBeLessThanOrEqual(1)
})
