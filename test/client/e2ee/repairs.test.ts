/** What is wanted, and asked for, has a bound, whomever a server makes up. */
import { afterEach, expect, it, vi } from 'vitest'
import { Asking } from '../../../src/client/e2ee/asking.ts'
import type { Engine } from '../../../src/client/e2ee/engine.ts'
import * as inRepairs from '../../../src/client/e2ee/in-repairs.ts'
import type { Line } from '../../../src/client/e2ee/line.ts'
import { begun, sayQuietly } from '../../../src/client/e2ee/quiet.ts'
import { mostRefused, Refusals, refusedMs } from '../../../src/client/e2ee/refusals.ts'
import { Repair } from '../../../src/client/e2ee/repair.ts'
import { type Carrying, hasVanished, Repairs } from '../../../src/client/e2ee/repairs.ts'
import type { Addressee } from '../../../src/client/e2ee/sealing.ts'
import type { Unread } from '../../../src/client/e2ee/types.ts'

vi.mock('../../../src/client/e2ee/quiet.ts', async (original) => ({
  ...(await original<typeof import('../../../src/client/e2ee/quiet.ts')>()),
  sayQuietly: vi.fn(async () => true),
}))
const said = vi.mocked(sayQuietly)
const nothing = () => {}
const linked = async () => 'linked' as const
/** As far as repairs need one: its device is linked. */
function engineWith(more: Partial<Record<keyof Engine, unknown>> = {}) {
  const kept = new Map<string, unknown>()
  const vault = {
    set: (changes: readonly (readonly [string, unknown])[]) => {
      for (const [key, value] of changes) value === undefined ? kept.delete(key) : kept.set(key, value)
    },
    flush: async () => {},
  }
  const own = { hasLeft: () => false, isIn: () => true }
  const pins = { of: () => ({ chain: {} }) }
  const of = { repairs: new Repairs(), refusals: new Refusals(), vault, own, pins, epoch: 1, user: 'alice' }
  return { kept, engine: { ...of, device: 'phone', ...more } as unknown as Engine }
}
const frameOf = (n: number, from: string) => ['message', n + 1, `id ${n}`, from, 0, ''] as unknown as Carrying
const open = { isOpen: true } as Line

afterEach(() => {
  said.mockClear()
  vi.useRealTimers()
})

it('of users without number no more than 1,024 messages are wanted: the oldest is told as one that does not come', async () => {
  const { kept, engine } = engineWith()
  const { repairs } = engine
  const told: Unread[] = []
  const repair = new Repair(engine, (event) => void told.push(event), linked, nothing)
  const line = { isOpen: false } as Line
  for (let n = 0; n < 1_100; n++) {
    await repair.failed(line, frameOf(n, `user ${n}`), { user: `user ${n}`, device: 'phone' }, 'bad_tag')
  }
  expect([repairs.wanted.size, kept.size]).toEqual([1_024, 1_024])
  const over = told.filter(({ retrying }) => !retrying)
  expect(over.map(({ from, why }) => [from, why])).toEqual(
    Array.from({ length: 76 }, (_, n) => [`user ${n}`, 'bad_tag']),
  )
})

it('of what was sent no more than 10 MB is kept, also where long texts come after short ones', () => {
  const repairs = new Repairs()
  const kept = new Map<string, { readonly body: string }>()
  const log = (id: string, body: string) => {
    for (const [key, value] of repairs.log(id, { to: 'bob', body, ns: {}, until: Number.MAX_SAFE_INTEGER }))
      value === undefined ? kept.delete(key) : kept.set(key, value as { body: string })
  }
  for (let n = 0; n < 30_000; n++) log(`short ${n}`, 'x'.repeat(300))
  for (let n = 0; n < 8; n++) log(`long ${n}`, 'x'.repeat(1024 * 1024))
  const bytes = [...kept.values()].reduce((sum, { body }) => sum + body.length, 0)
  expect(bytes).toBeGreaterThan(8 * 1024 * 1024)
  expect(bytes).toBeLessThanOrEqual(10 * 1024 * 1024)
})

it('of what devices of users without number ask for no more than 1,024 waits', () => {
  const repairs = new Repairs()
  for (let n = 0; n < 1_100; n++) repairs.task({ user: `user ${n}`, device: 'phone', id: 'one' })
  expect([repairs.tasks.size, [...repairs.tasks.values()][0]?.user]).toEqual([1_024, 'user 76'])
})

it('devices of users without number are told 1,024 times in ten minutes that they cannot be read, each four times', async () => {
  const clock = vi.spyOn(performance, 'now').mockReturnValue(0)
  const asking = new Asking(engineWith().engine, { giveUp: nothing, later: nothing })
  const comes = (user: string) => asking.unheard(open, { user, device: 'phone' })
  for (let n = 0; n < 9; n++) await comes('bob')
  expect(said).toHaveBeenCalledTimes(4)
  for (let n = 0; n < 5_000; n++) await comes(`user ${n}`)
  expect(said).toHaveBeenCalledTimes(4 + 1_023)
  clock.mockReturnValue(600_000)
  for (let n = 0; n < 5_000; n++) await comes(`user ${n}`)
  expect(said).toHaveBeenCalledTimes(4 + 1_023 + 1_024)
  clock.mockRestore()
})

it('of each device so many messages may fail in a minute; those of others are looked at all the same', () => {
  const clock = vi.spyOn(performance, 'now').mockReturnValue(0)
  const refusals = new Refusals()
  for (let n = 0; n < mostRefused; n++) {
    expect(refusals.wait('mallory')).toBe(0)
    refusals.failed('mallory')
  }
  expect([refusals.wait('mallory'), refusals.wait('bob')]).toEqual([refusedMs, 0])
  clock.mockReturnValue(refusedMs - 1)
  expect(refusals.wait('mallory')).toBe(1)
  clock.mockReturnValue(refusedMs)
  expect(refusals.wait('mallory')).toBe(0)
  clock.mockRestore()
})

it('a device that was not looked at for a while is asked for all of it when it is, and no time is counted before', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const { engine } = engineWith({ later: { repairs: async () => inRepairs } })
  const { repairs, refusals } = engine
  const told: Unread[] = []
  const repair = new Repair(engine, (event) => void told.push(event), linked, nothing)
  const bob = { user: 'bob', device: 'phone' }
  const done = () => new Promise<void>((resolve) => repair.later(async () => resolve()))
  for (let n = 0; n < 40; n++) {
    const isSeen = refusals.wait('bob\nphone') === 0
    if (isSeen) refusals.failed('bob\nphone')
    await repair.failed(open, frameOf(n, 'bob'), bob, isSeen ? 'bad_tag' : 'rate_limited')
    await done()
  }
  // Nor is what comes meanwhile answered each time.
  for (let n = 0; n < 100; n++) repair.unheard(open, bob)
  await done()
  expect(said).toHaveBeenCalledTimes(mostRefused - 1)
  expect(told.every(({ retrying }) => retrying)).toBe(true)
  expect([...repairs.wanted.values()].some(({ asked }) => asked)).toBe(false)
  await vi.advanceTimersByTimeAsync(refusedMs)
  await done()
  expect(said).toHaveBeenCalledTimes(mostRefused - 1 + 40)
  expect([...repairs.wanted.values()].every(({ asked }) => asked)).toBe(true)
})

it('a connection that ends takes along what waits for a device, and the next asks', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const { engine } = engineWith({ later: { repairs: async () => inRepairs } })
  const repair = new Repair(engine, nothing, linked, nothing)
  for (let n = 0; n < mostRefused; n++) engine.refusals.failed('bob\nphone')
  await repair.failed(open, frameOf(1, 'bob'), { user: 'bob', device: 'phone' }, 'rate_limited')
  await new Promise<void>((resolve) => repair.later(async () => resolve()))
  expect(vi.getTimerCount()).toBe(1)
  repair.lost()
  expect(vi.getTimerCount()).toBe(0)
  await vi.advanceTimersByTimeAsync(refusedMs)
  repair.entered(open)
  await new Promise<void>((resolve) => repair.later(async () => resolve()))
  expect(said).toHaveBeenCalledTimes(1)
})

it('what vanishes after it was delivered has vanished so long after it came here, read or not', () => {
  const came = Date.now() - 5_000
  const wanted = (lifetime: string | null, at = came) => {
    const frame = [...frameOf(1, 'bob'), null, null, lifetime] as unknown as Carrying
    return { frame, epoch: 1, user: 'bob', device: 'phone', why: 'bad_tag', tries: 1, asked: true, at }
  }
  const over = ['delivered 5000', 'delivered 60000', 'read 1000', 'permanent', null].map((is) =>
    hasVanished(wanted(is)),
  )
  expect(over).toEqual([true, false, false, false, false])
})

it('a try counts only where the code that asks could be loaded', async () => {
  let isThere = false
  const repairs = async () => {
    if (!isThere) throw new Error('offline')
    return inRepairs
  }
  const { engine } = engineWith({ later: { repairs } })
  const told: Unread[] = []
  const repair = new Repair(engine, (event) => void told.push(event), linked, nothing)
  const done = () => new Promise<void>((resolve) => repair.later(async () => resolve()))
  await repair.failed(open, frameOf(1, 'bob'), { user: 'bob', device: 'phone' }, 'bad_tag')
  for (let connections = 0; connections < 9; connections++) repair.entered(open)
  await done()
  const [wanted] = engine.repairs.wanted.values()
  expect([wanted?.tries, told.map(({ retrying }) => retrying)]).toEqual([0, [true]])
  isThere = true
  repair.entered(open)
  await done()
  expect(said).toHaveBeenCalledTimes(1)
})

it('a message that comes before it is known that this device is linked is asked for', async () => {
  let isIn = false
  const own = { hasLeft: () => false, isIn: () => isIn }
  const { engine } = engineWith({ own })
  const told: Unread[] = []
  let known: (place: 'linked') => void = nothing
  const place = new Promise<'linked'>((resolve) => {
    known = resolve
  })
  const repair = new Repair(
    engine,
    (event) => void told.push(event),
    () => place,
    nothing,
  )
  const failed = repair.failed(open, frameOf(1, 'bob'), { user: 'bob', device: 'phone' }, 'bad_tag')
  isIn = true
  known('linked')
  await failed
  expect(told.map(({ retrying }) => retrying)).toEqual([true])
})

it('for repairs 1,024 pairings are begun in ten minutes, with whomever a server makes up', async () => {
  const clock = vi.spyOn(performance, 'now').mockReturnValue(0)
  let claims = 0
  const ask = async () => {
    claims += 1
    return ['error']
  }
  const engine = {
    begun: new Map(),
    peers: { of: () => [] },
    primitives: async () => ({}),
    alone: (task: () => unknown) => task(),
    changed: () => {},
  } as unknown as Engine
  const line = { ask, ref: () => '' } as unknown as Line
  const begin = (n: number) => begun(engine, line, `user ${n}`, { user: `user ${n}`, peer: `peer ${n}` } as Addressee)
  for (let n = 0; n < 3_000; n++) await begin(n)
  expect([claims, engine.begun.size]).toEqual([1_024, 1_024])
  clock.mockReturnValue(600_000)
  await begin(0)
  expect([claims, engine.begun.size]).toEqual([1_025, 1])
  clock.mockRestore()
})
