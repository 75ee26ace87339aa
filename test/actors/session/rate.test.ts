/** How fast the frames of a device may come. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ClientFrame } from '../../../src/protocol/frames.ts'
import { kinds, limits, opened, refusals, session, user } from './opened.ts'

const read: ClientFrame = ['read', user('ben'), 1]
const goes = (effects: Parameters<typeof kinds>[0]) => kinds(effects).includes('read')

it("two seconds' worth of frames may come at once, and then as many as the rate", () => {
  const { says } = opened()
  const burst = Array.from({ length: 19 }, () => goes(says(read)))
  expect(burst, 'with the hello').not.toContain(false)
  expect(refusals(says(read))[0]?.[0]).toBe('rate_limited')
  expect(goes(says(read, 99))).toBe(false)
  expect(goes(says(read, 100))).toBe(true)
  expect(goes(says(read, 100))).toBe(false)
})

it('no span has more frames than two seconds and the rate, however they come', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 30, maxLength: 80 }), (gaps) => {
      const { says } = opened()
      let now = 0
      let taken = 0
      for (const gap of gaps) {
        now += gap
        if (goes(says(read, now))) taken += 1
        expect(taken).toBeLessThanOrEqual(20 + (now * limits.framesPerSecond) / 1_000)
      }
    }),
  )
})

it('each that is refused is told a later time, and none a later one than when the bucket is full', () => {
  const { says } = opened()
  for (let n = 0; n < 19; n++) says(read)
  const times = Array.from({ length: 25 }, () => refusals(says(read))[0]?.[1] ?? 0)
  expect(times.slice(0, 20)).toEqual(times.slice(0, 20).map((_, n) => (n + 1) * 100))
  expect(Math.max(...times)).toBe(2_000)
})

it('an ack costs nothing, unless it says nothing new', () => {
  const { says, tell, state } = opened()
  const { tokens } = state
  says(['ack', 1])
  expect(state.tokens).toBe(tokens)
  tell({ is: 'wasted' })
  expect(state.tokens).toBe(tokens - 1_000)
})

it('who goes on after many refusals is closed', () => {
  const { says } = opened()
  let frames = 0
  while (!kinds(says(read)).includes('close')) frames += 1
  expect(frames).toBeGreaterThan(19 + 2 * (20 + limits.sendsInFlight) - 1)
  expect(frames).toBeLessThan(100)
})

it('who floods with frames that are never refused is closed, and nothing more is answered', () => {
  const { says } = session()
  const effects = Array.from({ length: 40 }, (_, n) => kinds(says(['ping', n])))
  expect(effects.slice(0, 30).flat()).not.toContain('close')
  expect(effects.at(-1)).toEqual(['close'])
})
