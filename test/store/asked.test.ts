/** Which of the hosts of a cluster are asked, and in which order. */
import type { Client, ExecutionOptions, Host } from 'cassandra-driver'
import { Client as Driver, errors } from 'cassandra-driver'
import { expect, it, vi } from 'vitest'
import { policies } from '../../src/store/cassandra/policies.ts'

const addresses = ['one:9042', 'two:9042', 'three:9042']

function cluster() {
  const hosts = addresses.map((address) => ({ address, datacenter: 'dc1' }) as Host)
  const given = policies('dc1')
  const { policies: made, requestTracker } = given
  // Connects to nobody yet.
  expect(() => new Driver({ contactPoints: ['one'], localDataCenter: 'dc1', ...given })).not.toThrow()
  const { loadBalancing } = made ?? {}
  const client = { options: { localDataCenter: 'dc1' } } as unknown as Client
  loadBalancing?.init(client, Object.assign(new Map(), { values: () => hosts, on: () => {} }) as never, () => {})
  const order = () => {
    const found: string[] = []
    loadBalancing?.newQueryPlan('', undefined as unknown as ExecutionOptions, (_, plan) => {
      for (let next = plan.next(); !next.done; next = plan.next()) found.push(next.value.address)
    })
    return found
  }
  const fails = (at: number, error: Error) =>
    requestTracker?.onError(hosts[at] as Host, '', null, undefined as unknown as ExecutionOptions, 0, error, [])
  return { order, fails }
}
const firsts = (order: () => string[]) => new Set(Array.from({ length: 9 }, () => order()[0]))

it('hosts take turns; for 10 s those that did not answer in time are asked after the others', () => {
  vi.useFakeTimers()
  try {
    const { order, fails } = cluster()
    expect(firsts(order)).toEqual(new Set(addresses))
    fails(1, new errors.OperationTimedOutError('it did not reply', 'two:9042'))
    for (let n = 0; n < 9; n++) expect(order()[2]).toBe('two:9042')
    expect(firsts(order)).toEqual(new Set(['one:9042', 'three:9042']))
    vi.advanceTimersByTime(5_000)
    fails(0, new errors.OperationTimedOutError('it did not reply', 'one:9042'))
    expect(firsts(order)).toEqual(new Set(['three:9042']))
    fails(2, new errors.OperationTimedOutError('it did not reply', 'three:9042'))
    expect(firsts(order)).toEqual(new Set(addresses))
    vi.advanceTimersByTime(5_001)
    expect(firsts(order)).toEqual(new Set(['two:9042']))
    vi.advanceTimersByTime(5_000)
    expect(firsts(order)).toEqual(new Set(addresses))
  } finally {
    vi.useRealTimers()
  }
})

it('a host that refuses, or says that replicas were too slow, is asked in its turn', () => {
  const { order, fails } = cluster()
  fails(1, new errors.ResponseError(0x1100, 'the replicas did not answer'))
  fails(1, new Error('read ECONNRESET'))
  expect(firsts(order)).toEqual(new Set(addresses))
})
