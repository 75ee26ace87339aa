import { expect, it } from 'vitest'
import { enter, hold, type Lanes, leave, type Step, startLanes } from '../../actors/lanes.ts'
import type { MessageId, UserId } from '../../src/protocol/ids.ts'

const bob = 'bob' as UserId
const id = (n: number) => `m${n}` as MessageId
const wait = { code: 'rate_limited', at: 100, every: 10 } as const
const go = (lanes: Lanes, n: number): Step => {
  const step = enter(lanes, bob, id(n))
  if (!step) throw new Error(`m${n} must wait`)
  return step
}

it('keeps nothing of a recipient whose sends are all answered', () => {
  const lanes = startLanes()
  leave(lanes, bob, id(1), go(lanes, 1).nth, null)
  expect(lanes.open).toBe(null)
})

it('after a refusal lets go only the earliest refused message, once everything under way is answered', () => {
  const lanes = startLanes()
  const steps = [1, 2, 3].map((n) => go(lanes, n))
  // The third is refused at once; the first, which waited for a look-up, later.
  leave(lanes, bob, id(3), steps[2]?.nth ?? 0, wait)
  expect(enter(lanes, bob, id(3)), 'two are under way').toBeUndefined()
  leave(lanes, bob, id(1), steps[0]?.nth ?? 0, wait)
  leave(lanes, bob, id(2), steps[1]?.nth ?? 0, wait)
  for (const n of [2, 3, 4]) expect(enter(lanes, bob, id(n)), `m${n} would overtake m1`).toBeUndefined()
  expect(go(lanes, 1).round).toBeGreaterThan(steps[2]?.round ?? 0)
  expect(go(lanes, 2).round).toBe(go(lanes, 3).round)
})

it('holds what was refused before it went, and nobody else', () => {
  const lanes = startLanes()
  hold(lanes, bob, id(1), wait)
  expect(enter(lanes, bob, id(2))).toBeUndefined()
  expect(enter(lanes, 'carol' as UserId, id(2))).toBeDefined()
  expect(enter(lanes, bob, id(1))).toBeDefined()
})
