/** What is wanted, and asked for, has a bound, whomever a server makes up. */
import { expect, it } from 'vitest'
import type { Engine } from '../../../src/client/e2ee/engine.ts'
import type { Line } from '../../../src/client/e2ee/line.ts'
import { Repair } from '../../../src/client/e2ee/repair.ts'
import { type Carrying, Repairs } from '../../../src/client/e2ee/repairs.ts'
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
