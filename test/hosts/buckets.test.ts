/** Wrong tokens: whoever shows many waits, and nobody else does. */
import { expect, it } from 'vitest'
import { Buckets } from '../../src/hosts/buckets.ts'
import { entrance } from '../../src/hosts/sessions/entrance.ts'
import { completeLimits } from '../../src/protocol/limits.ts'

it('an address that has shown too many wrong tokens waits, until it has been quiet for their share of a minute', () => {
  const attempts = new Buckets(60, 60_000)
  for (let n = 0; n < 60; n++) {
    expect(attempts.isEmpty('a', 5_000)).toBe(false)
    attempts.take('a', 5_000)
  }
  expect(attempts.isEmpty('a', 5_000)).toBe(true)
  expect(attempts.isEmpty('b', 5_000)).toBe(false)
  expect(attempts.isEmpty('a', 5_999)).toBe(true)
  expect(attempts.isEmpty('a', 6_000)).toBe(false)
  attempts.take('a', 6_000)
  expect(attempts.isEmpty('a', 6_000)).toBe(true)
  expect(attempts.isEmpty('a', 70_000)).toBe(false)
})

it('addresses are forgotten when they have recovered, and never more than some are known', () => {
  const attempts = new Buckets(60, 60_000)
  for (let n = 0; n < 50_000; n++) attempts.take(`address ${n}`, 0)
  expect(attempts.size).toBe(10_000)
  attempts.take('a', 120_000)
  expect(attempts.size).toBe(1)
})

it('a right token waits, too, where wrong ones came; what cannot be checked is no wrong one', async () => {
  let now = 0
  const enter = entrance({
    authenticate: (token) => {
      if (token === 'down') throw new Error('the database is away')
      return token === 'right' ? { user: 'alice' } : undefined
    },
    banned: () => false,
    limits: completeLimits({ wrongTokensPerMinute: 2 }),
    clock: { now: () => now, monotonic: () => now },
    onFault: () => {},
  })
  const shows = (token: string, address = 'a') => enter(token, { device: null, address })
  for (let n = 0; n < 5; n++) expect(await shows('down')).toBe('unavailable')
  expect(await shows('wrong')).toBe('bad_token')
  expect(await shows('right')).toMatchObject({ user: 'alice' })
  expect(await shows('wrong')).toBe('bad_token')
  expect(await shows('right')).toBe('too_many_attempts')
  expect(await shows('right', 'b')).toMatchObject({ user: 'alice' })
  now += 30_000
  expect(await shows('right')).toMatchObject({ user: 'alice' })
})
