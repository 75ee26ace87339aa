/** Nodes that die one after another while they append to a log on replicas. */
import { expect, it } from 'vitest'
import type { Entry } from '../../src/protocol/entry.ts'
import { Chance } from './ownership/chance.ts'
import { Rows } from './rows.ts'

/** Throws where something else takes the place of what an owner has found, and pushed. `settles`: each makes sure of the end of what it loads. */
function lives(seed: number, settles: boolean): void {
  const chance = new Chance(seed)
  const rows = new Rows(() => chance.next())
  let pushed: readonly Entry[] = []
  for (let term = 1; term < 12; term++) {
    const found = rows.own(term, 0, settles, false)
    expect(found.slice(0, pushed.length), `seed ${seed}: no replica has anything else`).toEqual(pushed)
    pushed = found
    const sure = chance.is(0.4)
    const entry: Entry = { is: 'gone', seq: pushed.length + 1, time: term }
    rows.append(term, [entry], sure)
    if (sure) pushed = [...pushed, entry]
  }
}

const all = (settles: boolean) => {
  for (let seed = 1; seed <= 400; seed++) lives(seed, settles)
}

it('nothing takes the place of what was pushed, however many nodes die, where each makes sure of what it loads', () => {
  all(true)
})

it('something does where nobody makes sure: a row of a life between comes to light', () => {
  expect(() => all(false)).toThrow('no replica has anything else')
})
