/** What users may upload and download at a time and in a day. */
import { expect, it } from 'vitest'
import { Allowance } from '../../src/media/allowance.ts'

const day = 86_400_000
const kilo = 1_024
const limits = { mediaBytesPerDay: 1_000 * kilo, mediaUploads: 2, mediaDownloads: 1, mediaTransfers: 4 }
function allowance() {
  const clock = { now: 1 }
  return { clock, it: new Allowance(limits, { monotonic: () => clock.now }) }
}

it('a user has so many uploads and downloads at a time, each counted by itself, until they end', () => {
  const { it: all } = allowance()
  const enter = (kind: 'uploads' | 'downloads') => all.enter('ann', kind)
  expect([enter('uploads'), enter('uploads'), enter('uploads')]).toEqual([undefined, undefined, 'too_many_uploads'])
  expect([enter('downloads'), enter('downloads')]).toEqual([undefined, 'too_many_downloads'])
  all.leave('ann', 'uploads')
  expect(enter('uploads')).toBeUndefined()
})

it('all users together have so many transfers, and the next is busy', () => {
  const { it: all } = allowance()
  for (const user of ['a', 'b', 'c', 'd']) expect(all.enter(user, 'uploads')).toBeUndefined()
  expect(all.enter('e', 'uploads')).toBe('busy')
  all.leave('a', 'uploads')
  expect(all.enter('e', 'uploads')).toBeUndefined()
  expect(all.transfers).toBe(4)
})

it('who has used up a day is told when there is room again, and not before that there is', () => {
  const { it: all, clock } = allowance()
  expect(all.take('ann', 900 * kilo)).toBe(0)
  const wait = all.take('ann', 200 * kilo)
  expect(wait).toBe(day / 10)
  clock.now += wait
  expect(all.take('ann', 200 * kilo)).toBe(0)
  expect(all.take('ann', 200 * kilo)).toBe(day / 5)
  expect(all.take('bob', 900 * kilo), 'of others').toBe(0)
})

it('the least file counts as 16 KiB, and what did not come is given back', () => {
  const { it: all } = allowance()
  for (let n = 0; n < 62; n++) expect(all.take('ann', 1)).toBe(0)
  expect(all.take('ann', 1)).toBeGreaterThan(0)
  const other = allowance().it
  other.take('ann', 1_000 * kilo)
  other.giveBack('ann', 1_000 * kilo, 100 * kilo)
  expect(other.take('ann', 900 * kilo)).toBe(0)
  expect(other.take('ann', 1)).toBeGreaterThan(0)
})
