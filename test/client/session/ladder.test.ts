/** The sent messages of one recipient that wait for ticks. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Ladder } from '../../../src/client/session/ladder.ts'
import { names, sentAt } from './sent.ts'

const mark = (delivered: number, read: number, epoch = 7) => ({ epoch, life: 0, delivered, read })
function of(...seqs: number[]) {
  const ladder = new Ladder()
  for (const seq of seqs) ladder.add(sentAt(seq), 7, seq)
  return ladder
}

it('a mark raises those up to it that it has not raised before, in their order', () => {
  const ladder = of(1, 2, 4)
  expect(names(ladder.raise(mark(2, 0)))).toEqual(['m1', 'm2'])
  expect(names(ladder.raise(mark(2, 1)))).toEqual(['m1'])
  expect(names(ladder.raise(mark(4, 1)))).toEqual(['m4'])
  expect(ladder.raise(mark(4, 1))).toEqual([])
})

it('one that another device sent takes its place among the others, also below what is delivered', () => {
  const ladder = of(2, 4)
  ladder.raise(mark(4, 0))
  ladder.add(sentAt(3), 7, 3)
  expect(names(ladder.raise(mark(4, 0)))).toContain('m3')
  expect(names(ladder.raise(mark(4, 3)))).toEqual(['m2', 'm3'])
})

it('a mark of another log raises none, and messages of another log take the place of all', () => {
  const ladder = of(1, 2)
  expect(ladder.raise(mark(2, 2, 8))).toEqual([])
  ladder.add(sentAt(1, 8), 8, 1)
  expect(names(ladder.raise(mark(2, 2, 8)))).toEqual(['m1'])
  expect(ladder.raise(mark(2, 2))).toEqual([])
})

it('what was taken out is not raised, and the others are', () => {
  const ladder = new Ladder()
  const outs = [1, 2, 3].map((seq) => sentAt(seq))
  for (const [index, out] of outs.entries()) ladder.add(out, 7, index + 1)
  ladder.raise(mark(2, 0))
  for (const out of outs.slice(0, 1)) ladder.remove(out)
  ladder.remove(sentAt(9))
  expect(names(ladder.raise(mark(3, 2)))).toEqual(['m2', 'm3'])
})

it('by marks that rise each message is read once, however they come', () => {
  const marks = fc.array(fc.tuple(fc.nat(20), fc.nat(20)), { maxLength: 10 })
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 20 })), marks, (seqs, marks) => {
      const ladder = of(...seqs)
      const read: number[] = []
      let high = 0
      for (const [delivered, upTo] of marks) {
        high = Math.max(high, upTo)
        const risen = ladder.raise(mark(Math.max(delivered, high), high))
        read.push(...risen.flatMap(({ message }) => ((message.at?.seq ?? 0) <= high ? (message.at?.seq ?? 0) : [])))
      }
      expect(new Set(read)).toEqual(new Set(seqs.filter((seq) => seq <= high)))
    }),
  )
})
