import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Refs } from '../../src/hosts/sessions/refs.ts'

const item = () => ({ ref: 0 })

it('finds what is open, the number and the mark beside it, by its reference, and nothing by those of what has gone', () => {
  const step = fc.oneof(
    fc.constant('add' as const),
    fc.nat(),
    fc.record({ at: fc.nat(), note: fc.nat(2 ** 32 - 1), mark: fc.boolean() }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 500, size: 'max' }), (steps) => {
      const refs = new Refs<{ ref: number }>()
      const open = new Map<number, { ref: number }>()
      const gone: number[] = []
      const notes = new Map<number, number>()
      const marks = new Set<number>()
      for (const step of steps) {
        if (step === 'add') {
          const added = item()
          refs.add(added)
          expect(added.ref).toBeGreaterThan(Math.max(0, ...open.keys(), ...gone))
          open.set(added.ref, added)
        } else if (typeof step === 'object') {
          const ref = [...open.keys()][step.at % open.size] ?? 0
          refs.note(ref, step.note)
          refs.mark(ref, step.mark)
          if (ref > 0) notes.set(ref, step.note)
          if (ref > 0 && step.mark) marks.add(ref)
          else marks.delete(ref)
        } else {
          const ref = [...open.keys()][step % open.size] ?? 0
          expect(refs.delete(ref)).toBe(open.delete(ref))
          expect(refs.delete(ref)).toBe(false)
          notes.delete(ref)
          marks.delete(ref)
          gone.push(ref)
        }
      }
      expect(refs.size).toBe(open.size)
      expect(new Set(refs.all())).toEqual(new Set(open.values()))
      for (const [ref, added] of open) expect(refs.get(ref)).toBe(added)
      for (const ref of gone) expect(refs.get(ref)).toBeUndefined()
      for (const ref of [...open.keys(), ...gone]) expect(refs.noteOf(ref)).toBe(notes.get(ref) ?? 0)
      expect(new Set(refs.marked().map(({ ref }) => ref))).toEqual(marks)
      const below = [...notes].filter(([, note]) => note > 0 && note < 2 ** 31).map(([ref]) => ref)
      expect(new Set(refs.noted(2 ** 31).map(({ ref }) => ref))).toEqual(new Set(below))
    }),
  )
})

it('goes on when one stays open while many come and go', () => {
  const refs = new Refs<{ ref: number }>()
  const stays = item()
  refs.add(stays)
  for (let n = 0; n < 10_000; n++) {
    const comes = item()
    refs.add(comes)
    refs.delete(comes.ref)
  }
  expect(refs.size).toBe(1)
  expect(refs.get(stays.ref)).toBe(stays)
})
