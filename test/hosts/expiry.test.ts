/** How long a token is good for is measured by the clock that nobody sets. */
import { expect, it } from 'vitest'
import type { Identity } from '../../src/embed/authenticate.ts'
import type { Fault } from '../../src/embed/faults.ts'
import { entrance } from '../../src/hosts/sessions/entrance.ts'
import { Expiry } from '../../src/hosts/sessions/expiry.ts'
import { Refs } from '../../src/hosts/sessions/refs.ts'
import type { Session } from '../../src/hosts/sessions/session.ts'
import { completeLimits } from '../../src/protocol/limits.ts'

const hour = 3_600_000

/** Time goes on second by second; everything that is done is noted. */
function world() {
  let now = 5_000
  let timers: { readonly at: number; readonly run: () => void }[] = []
  const done: unknown[] = []
  const sessions = new Refs<Session>()
  const expiry = new Expiry(sessions, {
    wheel: { after: (ms, run) => void timers.push({ at: now + ms, run }) },
    now: () => now,
    ask: ({ ref }, leftMs) => done.push(['ask', ref, now, leftMs]),
    end: ({ ref }) => {
      done.push(['end', ref, now])
      sessions.delete(ref)
    },
  })
  const open = (leftMs: number | null) => {
    const session = { ref: 0 } as Session
    sessions.add(session)
    expiry.set(session.ref, leftMs)
    return session.ref
  }
  const pass = (ms: number) => {
    for (const until = now + ms; now < until; now += 1_000) {
      const due = timers.filter(({ at }) => at <= now)
      timers = timers.filter(({ at }) => at > now)
      for (const { run } of due) run()
    }
    return done.splice(0)
  }
  return { sessions, expiry, open, pass }
}

it('a client is asked for another token 30 s before the end, and its session ends when none came', () => {
  const { open, pass } = world()
  const [first, forever, second] = [open(100_000), open(null), open(2 * hour)]
  expect(pass(70_000)).toEqual([])
  expect(pass(2_000)).toEqual([['ask', first, 75_000, 30_000]])
  expect(pass(28_000)).toEqual([])
  expect(pass(2_000)).toEqual([['end', first, 105_000]])
  expect(pass(2 * hour)).toEqual([
    ['ask', second, 5_000 + 2 * hour - 30_000, 30_000],
    ['end', second, 5_000 + 2 * hour],
  ])
  expect(forever).toBe(2)
})

it('another token is good for its own time', () => {
  const { open, expiry, pass } = world()
  const ref = open(60_000)
  expect(expiry.asked(ref)).toBe(false)
  expect(pass(32_000)).toEqual([['ask', ref, 35_000, 30_000]])
  expect(expiry.asked(ref)).toBe(true)
  expiry.set(ref, 60_000)
  expect(expiry.asked(ref)).toBe(false)
  expect(pass(30_000)).toEqual([])
  expect(pass(2_000)).toEqual([['ask', ref, 67_000, 30_000]])
  expiry.set(ref, null)
  expect(pass(2 * hour)).toEqual([])
})

it('of one that is not good for 30 s half is left when the client is asked', () => {
  const { open, expiry, pass } = world()
  const ref = open(5_000)
  expect(expiry.asked(ref)).toBe(false)
  expect(pass(4_000)).toEqual([['ask', ref, 8_000, 2_000]])
  expect(expiry.asked(ref)).toBe(true)
  expiry.set(ref, 20_000)
  expect(pass(15_000)).toEqual([['ask', ref, 19_000, 10_000]])
})

it('one that is good for less than 4 s is not asked about, and one whose end was slept through is not either', () => {
  const { open, pass } = world()
  const ref = open(2_500)
  expect(pass(20_000)).toEqual([['end', ref, 8_000]])
})

it('what comes in the place of a session that has gone has its own time', () => {
  const { sessions, open, pass } = world()
  const gone = open(40_000)
  sessions.delete(gone)
  for (let n = 0; n < 200; n++) open(null)
  expect(pass(50_000)).toEqual([])
})

it('the wall clock is looked at when a token is checked, and not again', async () => {
  const faults: Fault[] = []
  let now = 1_700_000_000_000
  let expires: unknown = now + hour
  const enter = entrance({
    authenticate: () => ({ user: 'alice', expires }) as Identity,
    banned: () => false,
    limits: completeLimits(),
    clock: { now: () => now, monotonic: () => 1 },
    onFault: (fault) => faults.push(fault),
  })
  const client = { device: null, address: '' }
  expect(await enter('x', client)).toEqual({ user: 'alice', device: null, expiresIn: hour })
  now += hour
  expect(await enter('x', client)).toBe('bad_token')
  expect(faults).toEqual([])
  for (expires of [1_700_003_600, Number.NaN, '2030-01-01', null, new Date(now + hour)])
    expect(await enter('x', client)).toBe('unavailable')
  expect(faults.map(({ error }) => String(error))).toContain('TypeError: expires must be ms since 1970, not 1700003600')
})
