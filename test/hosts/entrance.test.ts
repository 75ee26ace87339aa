/** Whose tokens are good, where that is asked for each request. */
import { createHmac } from 'node:crypto'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { NodeRouter, UserKnows } from '../../actors/addresses.ts'
import { withRemoval } from '../../actors/removals.ts'
import { openSettings } from '../../actors/settings.ts'
import { startUser } from '../../actors/user/state.ts'
import type { Authenticate } from '../../src/embed/authenticate.ts'
import type { Fault } from '../../src/embed/faults.ts'
import { jwtAuthenticate } from '../../src/embed/tokens.ts'
import { known } from '../../src/hosts/known.ts'
import { type Entrant, entrance, removedDevices } from '../../src/hosts/sessions/entrance.ts'
import type { DeviceId, UserId } from '../../src/protocol/ids.ts'
import { completeLimits } from '../../src/protocol/limits.ts'
import { memoryStore } from '../../src/store/memory.ts'

const alice = 'alice' as UserId
const secret = new TextEncoder().encode('0123456789abcdef0123456789abcdef')
const day = 86_400_000

/** Who comes in where the clock of the node stands at `now`, and what it tells of faults. */
function door(authenticate: Authenticate, now: number) {
  const faults: Fault[] = []
  const clock = { now: () => now, monotonic: () => 1 }
  const onFault = (fault: Fault) => faults.push(fault)
  const enter = entrance({ authenticate, banned: () => false, limits: completeLimits(), clock, onFault })
  return { enter: (token: string) => enter(token, { device: null, address: '' }), faults }
}

it('a token of a secret lets its user in whatever the clock says: its times are in seconds, and known to be', async () => {
  const token = (claims: object) => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const text = `${part({ alg: 'HS256' })}.${part({ sub: alice, ...claims })}`
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  }
  const authenticate = jwtAuthenticate(secret)
  onTestFinished(() => void vi.useRealTimers())
  for (const start of [0, 1, 400 * day, 3 * 365 * day]) {
    vi.useFakeTimers({ now: start, toFake: ['Date'] })
    const { enter, faults } = door(authenticate, start)
    const iat = Math.floor(start / 1_000)
    expect(await enter(token({ iat, exp: iat + 60 }))).toMatchObject({ user: alice, issuedAt: iat * 1_000 })
    expect(faults).toEqual([])
  }
  vi.useRealTimers()
  const { enter, faults } = door(authenticate, Date.now())
  for (const iat of [1, 5_000_000]) expect(await enter(token({ iat }))).toMatchObject({ issuedAt: iat * 1_000 })
  for (const iat of ['1', null, {}]) expect(await enter(token({ iat }))).toBe('bad_token')
  expect(faults).toEqual([])
})

it('times in seconds from a program are a fault, which a clock of before 1973 does not tell from milliseconds', async () => {
  const now = Date.now()
  const seconds = Math.floor(now / 1_000)
  for (const times of [{ expires: seconds + 60 }, { issuedAt: seconds }]) {
    const { enter, faults } = door(() => ({ user: 'alice', ...times }), now)
    expect(await enter('x')).toBe('unavailable')
    expect(faults).toHaveLength(1)
  }
  const { enter, faults } = door(() => ({ user: 'alice', expires: 2 * day, issuedAt: day }), day)
  expect(await enter('x')).toMatchObject({ user: 'alice', expiresIn: day, issuedAt: day })
  expect(faults).toEqual([])
})

it('of requests, too, only those are refused whose device was removed, however many others were', async () => {
  const store = memoryStore()
  await store.open()
  const cursors = [
    { device: 'laptop' as DeviceId, seq: 0, seenAt: 5 },
    { device: 'device 2' as DeviceId, seq: 0, seenAt: 0 },
  ]
  await store.saveCursors(alice, 7, cursors, 0)
  let settings = openSettings
  for (let n = 1; n <= 20; n++) settings = withRemoval(settings, `device ${n}` as DeviceId, n * 1_000)
  await store.saveSettings(alice, settings)
  const awake = startUser(alice, await store.load(alice), 7, settings)
  for (const state of [undefined, awake]) {
    const query = (_: unknown, what: keyof UserKnows) => known(store)[what](alice, state)
    const removed = removedDevices({ query } as NodeRouter)
    const isOut = (device: string | null, issuedAt: number | undefined) =>
      removed({ user: alice, device, issuedAt, expiresIn: null } as Entrant)
    expect(await Promise.all(['laptop', 'device 1', 'device 2', 'device 20'].map((name) => isOut(name, 500)))).toEqual([
      false,
      true,
      true,
      true,
    ])
    expect([await isOut('device 20', 20_001), await isOut(null, 500), await isOut('device 20', undefined)]).toEqual([
      false,
      false,
      false,
    ])
  }
})
