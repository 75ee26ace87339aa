/** What is to be sent, and what is under way. */
import { expect, it } from 'vitest'
import { Lines } from '../../../src/client/session/lines.ts'
import type { Out } from '../../../src/client/session/types.ts'
import { names, queued } from './sent.ts'

const many = (to: string, ...numbers: number[]) => numbers.map((n) => queued(n, to))
function of(...outs: Out[]) {
  const lines = new Lines()
  for (const out of outs) lines.add(out)
  const next = (count: number) => names(Array.from({ length: count }, () => lines.next()))
  return { lines, next }
}

it('recipients take turns, and each gets its messages in the order of the calls', () => {
  const { next } = of(...many('bob', 1, 2, 3), ...many('cat', 4, 5))
  expect(next(6)).toEqual(['m1', 'm4', 'm2', 'm5', 'm3', undefined])
})

it('what is refused for now holds up its recipient until the time, and nobody else', () => {
  const [first, ...others] = [queued(1), queued(2), queued(3, 'cat')]
  const { lines, next } = of(first as Out, ...others)
  next(1)
  lines.hold(first as Out, 500)
  expect(next(2)).toEqual(['m3', undefined])
  expect(lines.heldUntil).toBe(500)
  lines.release(499)
  expect(next(1)).toEqual([undefined])
  lines.release(500)
  expect(next(2)).toEqual(['m1', 'm2'])
})

it('a held line waits for what is still under way, and then goes on with the earliest', () => {
  const outs = many('bob', 1, 2, 3)
  const { lines, next } = of(...outs)
  next(2)
  lines.hold(outs[1] as Out, 500)
  lines.release(900)
  expect(next(1), 'm1 is under way').toEqual([undefined])
  lines.hold(outs[0] as Out, 300)
  lines.release(900)
  expect(next(3)).toEqual(['m1', 'm2', 'm3'])
})

it('without a connection all that was under way waits again, in its old place', () => {
  const { lines, next } = of(...many('bob', 1, 2, 3))
  next(2)
  lines.grounded()
  expect(lines.flying).toBe(0)
  expect(next(3)).toEqual(['m1', 'm2', 'm3'])
})

it('what was lost goes before what waits', () => {
  const { lines, next } = of(queued(5))
  for (const out of many('bob', 2, 3)) lines.again(out)
  expect(next(3)).toEqual(['m2', 'm3', 'm5'])
})

it('to whom sending is paused nothing goes until it is resumed', () => {
  const { lines, next } = of(queued(1), queued(2, 'cat'))
  lines.pause(new Set(['bob']))
  expect(next(2)).toEqual(['m2', undefined])
  lines.resume('bob')
  expect(next(1)).toEqual(['m1'])
})

it('what was answered while it waited to go again does not go', () => {
  const outs = many('bob', 1, 2)
  const { lines, next } = of(...outs)
  next(1)
  lines.grounded()
  const [first] = outs
  if (first) first.message = { ...first.message, at: { epoch: 7, seq: 1 }, state: 'sent' }
  expect(next(2)).toEqual(['m2', undefined])
})

it('nothing is kept of a recipient whose messages are all answered', () => {
  const [out] = many('bob', 1)
  const { lines, next } = of(out as Out)
  next(1)
  expect([lines.has('bob'), lines.flying]).toEqual([true, 1])
  lines.land(out as Out)
  expect([lines.has('bob'), lines.flying]).toEqual([false, 0])
})
