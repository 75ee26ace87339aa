/** The buckets of users and pairs. No sockets and no time. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Rates } from '../../src/hosts/sessions/rates.ts'
import type { UserId } from '../../src/protocol/ids.ts'

const user = (name: string) => name as UserId

it("lets two seconds' worth go at once, then says when the next may go, and takes it then and not before", () => {
  const rates = new Rates({ sendsPerSecond: 10, sendsPerSecondToOne: 5 })
  const take = (to: string, now: number) => rates.take(user('ann'), user(to), 1, now)?.retryAfter ?? 0
  for (let n = 0; n < 10; n++) expect(take('ben', 0)).toBe(0)
  expect(take('ben', 0)).toBe(200)
  expect(take('ben', 150)).toBe(50)
  for (let n = 0; n < 10; n++) expect(take(`other ${n}`, 0)).toBe(0)
  expect(take('last', 0)).toBe(100)
  expect(take('ben', 199)).toBe(1)
  expect(take('ben', 200)).toBe(0)
  expect(rates.take(user('cat'), user('ben'), 1, 0)).toBeUndefined()
})

it('never lets more go than both rates allow in any span, and what it lets wait goes after that', () => {
  const sends = fc.array(fc.record({ ms: fc.nat(400), to: fc.constantFrom('ben', 'cat') }), { maxLength: 200 })
  fc.assert(
    fc.property(sends, (sends) => {
      const rates = new Rates({ sendsPerSecond: 10, sendsPerSecondToOne: 7 })
      const gone: { at: number; to: string }[] = []
      let now = 0
      for (const { ms, to } of sends) {
        now += ms
        const wait = rates.take(user('ann'), user(to), 1, now)?.retryAfter ?? 0
        if (wait > 0) {
          expect(rates.take(user('ann'), user(to), 1, now + wait - 1)).toBeDefined()
          now += wait
          expect(rates.take(user('ann'), user(to), 1, now)).toBeUndefined()
        }
        gone.push({ at: now, to })
        if (ms % 7 === 0) rates.sweep(now)
      }
      for (const [index, { at }] of gone.entries()) {
        const within = (count: number, rate: number) =>
          expect(count).toBeLessThanOrEqual(((now - at) * rate) / 1_000 + 2 * rate)
        const rest = gone.slice(index)
        within(rest.length, 10)
        for (const to of ['ben', 'cat']) within(rest.filter((sent) => sent.to === to).length, 7)
      }
    }),
  )
})

it('keeps nothing of who has not sent for as long as it takes to fill up', () => {
  const rates = new Rates({ sendsPerSecond: 10, sendsPerSecondToOne: 5 })
  for (let n = 0; n < 100; n++) rates.take(user(`user ${n}`), user('ben'), 1, n)
  rates.sweep(0)
  expect(rates.size).toBe(100)
  rates.sweep(1_000)
  expect(rates.size).toBe(0)
})

it('a message that made more copies than were known takes the rest of the rate afterwards; one that made fewer gives it back', () => {
  const rates = new Rates({ sendsPerSecond: 10, sendsPerSecondToOne: 5 })
  const take = (copies: number, later: number) =>
    rates.take(user('ann'), user('#team'), copies, 10_000 + later)?.retryAfter ?? 0
  expect(take(20, 0)).toBe(0)
  rates.giveBack(user('ann'), 15)
  expect([take(16, 0), take(15, 0)]).toEqual([100, 0])
  // 20 are taken, and 30 are owed.
  rates.giveBack(user('ann'), -30)
  expect([take(1, 0), take(1, 3_099) > 0, take(1, 3_100)]).toEqual([3_100, true, 0])
})

it('a message that was not taken has cost neither its sender nor the pair anything', () => {
  const rates = new Rates({ sendsPerSecond: 10, sendsPerSecondToOne: 5 })
  const take = () => rates.take(user('ann'), user('ben'), 1, 0)
  for (let n = 0; n < 100; n++) {
    expect(take()).toBeUndefined()
    rates.giveBack(user('ann'), 1, user('ben'))
  }
  for (let n = 0; n < 10; n++) expect(take()).toBeUndefined()
  expect(take()).toBeDefined()
})
