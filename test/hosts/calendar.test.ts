/** By what time things leave, while somebody sets the clock. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Calendar } from '../../src/hosts/calendar.ts'
import { createNode, memoryStore } from '../../src/index.ts'
import type { UserId } from '../../src/protocol/ids.ts'

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000]
const time = 1_700_000_000_000

/** A machine: what time it truly is, and how far its clock is off. */
class Machine {
  readonly store = memoryStore()
  passed = 0
  off = 0
  calendar!: Calendar
  readonly clock = { now: () => this.true + this.off, monotonic: () => this.passed }

  get true(): number {
    return time + this.passed
  }

  /** Starts the node, anew. */
  async start(): Promise<void> {
    if (!this.calendar) await this.store.open()
    this.calendar = new Calendar(this.clock, await this.store.reckoning())
  }

  async run(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 10 * minute) {
      await this.calendar.look(this.store)
      this.passed += Math.min(left, 10 * minute)
    }
  }
}

type Step = { readonly off: number; readonly runMs: number; readonly restart: boolean }

describe('the calendar', () => {
  it('is never ahead of the true time while the clock is wrong for less than a day, also over restarts', async () => {
    const off = fc.constantFrom(-400 * day, -31 * day, -2 * hour, 2 * hour, day, 31 * day, 10_000 * day)
    const step = fc.record({ off, runMs: fc.integer({ min: 1, max: 11 * hour }), restart: fc.boolean() })
    // Right again between the steps: for long enough that it is looked at.
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (steps: Step[]) => {
        const machine = new Machine()
        await machine.start()
        await machine.run(20 * minute)
        for (const { off, runMs, restart } of steps) {
          for (const [wrong, ms] of [
            [off, runMs],
            [0, 20 * minute],
          ] as const) {
            machine.off = wrong
            if (restart) await machine.start()
            await machine.run(ms)
            expect(machine.calendar.past).toBeLessThanOrEqual(machine.true)
          }
          expect(machine.true - machine.calendar.past).toBeLessThan(hour)
        }
      }),
      { numRuns: 200 },
    )
  })

  it.each([
    ['ahead, as after a month without the node', 31 * day],
    ['behind', -31 * day],
  ])('believes a clock that says the same for a day: %s', async (_, off) => {
    const machine = new Machine()
    await machine.start()
    await machine.run(hour)
    machine.off = off
    await machine.run(12 * hour)
    await machine.start()
    expect(machine.calendar.past).toBeLessThanOrEqual(machine.true)
    expect(machine.calendar.past).toBeGreaterThan(machine.true + Math.min(0, off) - hour)
    await machine.run(13 * hour)
    expect(machine.calendar.past).toBe(machine.clock.now())
    expect(machine.calendar.offMs).toBe(0)
  })

  it('follows a clock that is set by less than an hour, and that of a node that was off for a while', async () => {
    const machine = new Machine()
    await machine.start()
    for (const off of [hour - minute, 0, -hour + minute, 0]) {
      machine.off = off
      await machine.calendar.look(machine.store)
      expect(machine.calendar.past).toBe(machine.clock.now())
    }
    machine.passed += 50 * minute
    await machine.start()
    expect(machine.calendar.past).toBe(machine.clock.now())
  })

  it.each([-400 * day, -10_000 * day])(
    'gives what is new the time that should be, while the clock is far behind',
    async (off) => {
      const machine = new Machine()
      await machine.start()
      await machine.run(hour)
      machine.off = off
      for (const restarts of [1, 2]) {
        await machine.start()
        await machine.run(restarts * hour)
        expect(Math.abs(machine.calendar.now() - machine.true)).toBeLessThan(hour)
      }
      machine.off = -2 * hour
      expect(machine.calendar.now()).toBe(machine.clock.now())
    },
  )

  it('tells once how far the clock is off, each time that it was set', async () => {
    const machine = new Machine()
    await machine.start()
    const told = async (off: number) => {
      machine.off = off
      return [await machine.calendar.look(machine.store), await machine.calendar.look(machine.store)]
    }
    expect(await told(0)).toEqual([0, 0])
    expect(await told(31 * day)).toEqual([31 * day, 0])
    expect(await told(0)).toEqual([0, 0])
    expect(await told(-day)).toEqual([-day, 0])
  })

  it('keeps the messages of an inbox when the clock jumps by a month, and lets them go when it is right', async () => {
    const machine = new Machine()
    await machine.start()
    const bob = 'bob' as UserId
    const entry = { is: 'receipt', seq: 1, time, peer: bob, epoch: 7, delivered: 1, read: 1 } as const
    await machine.store.append(bob, 7, 1, [entry])
    machine.off = 31 * day
    await machine.run(hour)
    expect(await machine.store.expire(machine.calendar.past)).toMatchObject({ entries: 0 })
    await machine.run(day)
    expect(await machine.store.expire(machine.calendar.past)).toMatchObject({ entries: 1 })
  })

  it.each([
    ['a night', 10 * hour, []],
    ['a month', 31 * day, [expect.stringMatching(/^the node was off for 31.0 days, or the clock was set ahead/)]],
    ['less than nothing', -10 * hour, [expect.stringMatching(/^it is 10.0 hours behind the time/)]],
  ])('is told once what it is, of a node that was off for %s', async (_, offMs, told) => {
    const store = memoryStore()
    await store.open()
    await store.saveReckoning({ at: Date.now() - offMs, doubtMs: 0 })
    const faults: string[] = []
    const node = createNode({ store, onFault: ({ error }) => faults.push((error as Error).message) })
    await node.listen({ port: 0 })
    await node.close()
    expect(faults).toEqual(told)
  })
})
