/** A model of stores that are put back: what a device may be told depends on what it has seen, and on nothing else. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { endOf } from '../../actors/lives.ts'
import type { Life } from '../../src/store/contract.ts'
import { began, remembered } from '../../src/store/lives.ts'

/** Entries have contents that never come twice. */
type Copy = { readonly entries: readonly number[]; readonly lives: readonly Life[]; readonly starts: readonly number[] }
type Seen = { readonly name: number; readonly entries: readonly number[] }

class Model {
  store: Copy = { entries: [], lives: [], starts: [] }
  saved: Copy[] = []
  seen: Seen[] = []
  #count = 0

  constructor() {
    this.start()
  }
  start(): void {
    this.#count += 1
    this.store = { ...this.store, starts: [...this.store.starts, this.#count] }
  }
  append(): void {
    this.#count += 1
    const { entries, lives, starts } = this.store
    const from = entries.length + 1
    this.store = { starts, entries: [...entries, this.#count], lives: began(lives, { term: starts.length, from }) }
  }
  save(): void {
    this.saved.push(this.store)
  }
  putBack(which: number): void {
    this.store = this.saved[which % this.saved.length] ?? this.store
    this.start()
  }
  /** A device gets entries up to some seq. */
  look(upTo: number): void {
    const { entries, starts } = this.store
    this.seen.push({ name: starts.at(-1) as number, entries: entries.slice(0, upTo % (entries.length + 1)) })
  }
  honours({ name, entries }: Seen): boolean {
    const { lives, starts } = this.store
    const tail = this.store.entries.length
    return entries.length === 0 || entries.length <= endOf({ lives, tail }, starts.indexOf(name) + 1)
  }
}

const choices = fc.array(fc.nat(9_999), { minLength: 20, maxLength: 300, size: 'max' })
function run(choices: readonly number[], step: (model: Model, kind: number, rest: number) => void): Model {
  const model = new Model()
  for (const choice of choices) step(model, choice % 10, Math.floor(choice / 10))
  return model
}

it('a place that is honoured is of what the log has, whatever was put back, and how often', () => {
  fc.assert(
    fc.property(choices, (choices) => {
      const model = run(choices, (model, kind, rest) => {
        if (kind < 4) model.append()
        else if (kind < 6) model.start()
        else if (kind < 8) model.look(rest)
        else if (kind < 9) model.save()
        else model.putBack(rest)
      })
      for (const seen of model.seen)
        if (model.honours(seen)) expect(seen.entries).toEqual(model.store.entries.slice(0, seen.entries.length))
    }),
    { numRuns: 2_000 },
  )
})

it('every place is honoured where nothing was put back, unless its device was away for as many lives as a log remembers', () => {
  fc.assert(
    fc.property(choices, (choices) => {
      const model = run(choices, (model, kind, rest) =>
        kind < 6 ? model.append() : kind < 7 ? model.start() : model.look(rest),
      )
      const { starts } = model.store
      for (const seen of model.seen)
        if (starts.length - starts.indexOf(seen.name) < remembered) expect(model.honours(seen)).toBe(true)
      expect(model.store.lives.length).toBeLessThanOrEqual(remembered)
    }),
    { numRuns: 500 },
  )
})
