/** When entries move from the journal to the tables. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Commits } from '../../src/store/lmdb/commits.ts'
import { Moves } from '../../src/store/lmdb/moves.ts'
import type { Tables } from '../../src/store/lmdb/tables.ts'
import type { Unmoved } from '../../src/store/lmdb/unmoved.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Moves of what has no entries: a pass only tells how far the tables are. Answers the times of these, in seconds. */
function start() {
  const unmoved = { bytes: 0, users: () => [], stuck: () => [] }
  const times: number[] = []
  const from = performance.now()
  const commits = {
    write: async () => {
      times.push(Math.round((performance.now() - from) / 1_000))
      unmoved.bytes = 0
    },
  }
  const records = { durable: 1, isBehind: () => true, applied: () => {}, retire: () => {} }
  const moves = new Moves(unmoved as unknown as Unmoved, commits as unknown as Commits<Tables>, records)
  const keep = (bytes: number) => {
    unmoved.bytes += bytes
    moves.soon()
  }
  /** So many bytes in each of so many seconds. */
  const come = async (bytes: number, seconds: number) => {
    for (let n = 0; n < seconds; n++) {
      keep(bytes)
      await vi.advanceTimersByTimeAsync(1_000)
    }
  }
  return { keep, come, times, wait: (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1_000) }
}

it('they move once no more has come for five seconds', async () => {
  const { keep, times, wait } = start()
  keep(300)
  await wait(60)
  expect(times).toEqual([5])
})

it('they move after twenty seconds where more comes, so that rows and transactions are few', async () => {
  const { come, times, wait } = start()
  await come(300, 45)
  expect(times).toEqual([20, 40])
  await wait(30)
  expect(times).toHaveLength(3)
})

it('they move at once where they are many', async () => {
  const { come, times } = start()
  await come(1024 * 1024, 18)
  expect(times).toEqual([5, 11, 17])
})
