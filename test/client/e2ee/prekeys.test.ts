/** Prekeys that a device brings when the server says that it has few. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Engine } from '../../../src/client/e2ee/engine.ts'
import { refill } from '../../../src/client/e2ee/entering.ts'
import type { Line } from '../../../src/client/e2ee/line.ts'
import { Own } from '../../../src/client/e2ee/own.ts'
import type { Primitives } from '../../../src/client/e2ee/primitives.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('a server that says without end that there are few gets more once a minute, and of private ones no more than 2,000 stay', async () => {
  const own = new Own()
  const kept = new Map<string, unknown>()
  let made = 0
  const primitives = {
    random: (length: number) => new Uint8Array(length),
    publicOf: () => {
      made += 1
      return new Uint8Array(32).fill(made)
    },
  } as unknown as Primitives
  for (const [key, value] of await own.renew(primitives, 0)) kept.set(key, value)
  const engine = {
    own,
    ...{ realm: '', user: 'alice', device: 'phone' },
    primitives: async () => primitives,
    alone: (task: () => Promise<void>) => task(),
    changed: (_: unknown, sets: readonly (readonly [string, unknown])[]) => {
      for (const [key, value] of sets) value === undefined ? kept.delete(key) : kept.set(key, value)
    },
    vault: { flush: async () => {} },
  } as unknown as Engine
  let brought = 0
  const ask = async () => {
    brought += 1
    return ['done', 'prekeys', '', 100]
  }
  const line = { isOpen: true, ref: () => '', ask } as unknown as Line
  let stop = () => {}
  const low = () => {
    stop()
    stop = refill(engine, line)
  }
  for (let second = 0; second < 1_800; second++) {
    low()
    await vi.advanceTimersByTimeAsync(1_000)
  }
  expect(brought).toBeGreaterThan(28)
  expect(brought).toBeLessThan(32)
  const once = [...kept.keys()].filter((key) => key.startsWith('once:'))
  expect(once).toHaveLength(2_000)
  // Those that were made last.
  expect(once.every((key) => own.once(Number(key.slice(5))) !== undefined)).toBe(true)
  expect(own.once(brought * 100)).toBeDefined()
})
