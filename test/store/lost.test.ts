/** What a cluster has lost, as whoever runs the node hears of it. */
import { expect, it } from 'vitest'
import { Lost } from '../../src/store/cassandra/lost.ts'
import { StoreError } from '../../src/store/error.ts'

it('is told once each, and what only did not answer is not', async () => {
  const told: unknown[] = []
  const lost = new Lost((error) => told.push(error.message))
  const fails = (error: Error) => expect(lost.heed(Promise.reject(error))).rejects.toBe(error)
  await fails(new StoreError('corrupt', 'Entry 5 of bob'))
  await fails(new StoreError('unavailable', 'late'))
  await fails(new StoreError('corrupt', 'Entry 5 of bob'))
  await fails(new StoreError('corrupt', 'Entry 6 of bob'))
  expect(await lost.heed(Promise.resolve(7))).toBe(7)
  expect(told).toEqual(['Entry 5 of bob', 'Entry 6 of bob'])
})
