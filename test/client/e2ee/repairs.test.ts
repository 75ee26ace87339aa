/** What is wanted, and asked for, has a bound, whomever a server makes up. */
import { expect, it, vi } from 'vitest'
import type { Engine } from '../../../src/client/e2ee/engine.ts'
import type { Line } from '../../../src/client/e2ee/line.ts'
import { begun } from '../../../src/client/e2ee/quiet.ts'
import { Repair } from '../../../src/client/e2ee/repair.ts'
import { type Carrying, Repairs } from '../../../src/client/e2ee/repairs.ts'
import type { Addressee } from '../../../src/client/e2ee/sealing.ts'
import type { Unread } from '../../../src/client/e2ee/types.ts'

it('of users without number no more than 1,024 messages are wanted: the oldest is told as one that does not come', () => {
  const repairs = new Repairs()
  const kept = new Map<string, unknown>()
  const vault = {
    set: (changes: readonly (readonly [string, unknown])[]) => {
      for (const [key, value] of changes) value === undefined ? kept.delete(key) : kept.set(key, value)
    },
  }
  const own = { hasLeft: () => false, isIn: () => true }
  const pins = { of: () => ({ chain: {} }) }
  const engine = { repairs, vault, own, pins, epoch: 1, user: 'alice', device: 'phone' } as unknown as Engine
  const told: Unread[] = []
  const repair = new Repair(
    engine,
    (event) => void told.push(event),
    () => {},
  )
  const line = { isOpen: false } as Line
  for (let n = 0; n < 1_100; n++) {
    const frame = ['message', n + 1, `id ${n}`, `user ${n}`, 0, ''] as unknown as Carrying
    repair.failed(line, frame, { user: `user ${n}`, device: 'phone' }, 'bad_tag')
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

it('devices of users without number are told 1,024 times in ten minutes that they cannot be read, each four times', () => {
  const clock = vi.spyOn(performance, 'now').mockReturnValue(0)
  const engine = { repairs: new Repairs() } as unknown as Engine
  const nothing = () => {}
  const repair = new Repair(engine, nothing, nothing)
  const said = vi.spyOn(repair, 'later').mockImplementation(nothing)
  const comes = (user: string) => repair.unheard({} as Line, { user, device: 'phone' })
  for (let n = 0; n < 9; n++) comes('bob')
  expect(said).toHaveBeenCalledTimes(4)
  for (let n = 0; n < 5_000; n++) comes(`user ${n}`)
  expect(said).toHaveBeenCalledTimes(4 + 1_023)
  clock.mockReturnValue(600_000)
  for (let n = 0; n < 5_000; n++) comes(`user ${n}`)
  expect(said).toHaveBeenCalledTimes(4 + 1_023 + 1_024)
  clock.mockRestore()
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
