/** The appends of one inbox, one at a time, by a store whose answers are given by hand. */
import { expect, it } from 'vitest'
import { Appends } from '../../src/hosts/logs/appends.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import { message, user } from '../contracts/store.ts'

const bob = user('bob')

function slow() {
  const under: { readonly seqs: number[]; done(ok: boolean): void }[] = []
  const timers: (() => void)[] = []
  const sweeps: (() => void)[] = []
  const appends = new Appends(
    (_user, _epoch, entries, done) => under.push({ seqs: entries.map(({ seq }) => seq), done }),
    (ms, run) => (ms > 1_000 ? sweeps : timers).push(run),
  )
  const told: string[] = []
  const append = (whose: UserId, lazy: boolean, ...entries: Entry[]) =>
    appends.add(whose, { epoch: 7, entries, lazy }, (is, first, last) => told.push(`${is} ${first}-${last}`))
  const add = (...entries: Entry[]) => append(bob, false, ...entries)
  return { appends, append, add, under, told, timers, sweeps }
}

it('writes what failed once more before the actor starts anew: it may be there, and no other entry may get its seq', async () => {
  const { appends, add, under, told } = slow()
  add(message(1))
  add(message(2))
  under[0]?.done(true)
  under[1]?.done(false)
  expect(told).toEqual(['appended 1-1', 'unappended 2-2'])
  const starting = appends.allLanded(bob)
  expect(under[2]?.seqs).toEqual([2])
  under[2]?.done(false)
  await expect(starting).rejects.toThrow('The last append for bob failed.')
  const again = appends.allLanded(bob)
  under[3]?.done(true)
  await again
  expect(under.map(({ seqs }) => seqs)).toEqual([[1], [2], [2], [2]])
  expect(told).toHaveLength(2)
})

it('waits for what is under way when an actor starts anew', async () => {
  const { appends, add, under } = slow()
  add(message(1))
  const starting = appends.allLanded(bob)
  under[0]?.done(false)
  under[1]?.done(true)
  await starting
  await appends.allLanded(bob)
  expect(under.map(({ seqs }) => seqs)).toEqual([[1], [1]])
})

const ann = user('ann')

it('what is lazy goes with the next append of anybody, in the same turn', () => {
  const { append, under, told, timers } = slow()
  append(bob, true, message(1))
  append(bob, true, message(2))
  expect([under.length, timers.length]).toEqual([0, 1])
  append(ann, false, message(7))
  expect(under.map(({ seqs }) => seqs)).toEqual([[7], [1, 2]])
  under[1]?.done(true)
  expect(told).toEqual(['appended 1-2'])
  timers[0]?.()
  expect(under, 'it is written once').toHaveLength(2)
})

it('what is lazy goes alone where nothing comes for a second, and no later than what follows it in its log', () => {
  const { append, add, under, timers } = slow()
  append(bob, true, message(1))
  append(ann, true, message(7))
  add(message(2))
  expect(under.map(({ seqs }) => seqs)).toEqual([[1, 2], [7]])
  append(ann, true, message(8))
  under[1]?.done(true)
  expect(under[2]?.seqs, 'what came meanwhile follows').toEqual([8])
  append(user('cat'), true, message(3))
  timers[0]?.()
  expect(under[3]?.seqs).toEqual([3])
  append(user('dan'), true, message(4))
  expect(timers, 'one timer at a time').toHaveLength(2)
})

it('what is lazy is written before its actor starts anew: no other entry may get its seq', async () => {
  const { appends, append, under } = slow()
  append(bob, true, message(1))
  const starting = appends.allLanded(bob)
  expect(under[0]?.seqs).toEqual([1])
  under[0]?.done(true)
  await starting
})

it('of logs that are another node’s from now on writes nothing any more, not what failed either, and tells nobody', async () => {
  const { appends, append, add, under, told } = slow()
  add(message(1))
  add(message(2))
  append(ann, false, message(7))
  under[1]?.done(false)
  const waiting = appends.allLanded(bob)
  appends.forget(() => true)
  under[0]?.done(true)
  await waiting
  await appends.allLanded(ann)
  expect(under.map(({ seqs }) => seqs)).toEqual([[1], [7]])
  expect(told).toEqual(['unappended 7-7'])
  append(ann, false, message(8))
  expect(under[2]?.seqs).toEqual([8])
})

it('forgets who has appended nothing between two sweeps, and nobody of whom something is under way or has failed', async () => {
  const { appends, add, append, under, told, sweeps } = slow()
  add(message(1))
  append(ann, false, message(7))
  under[1]?.done(false)
  for (let n = 0; n < 3; n++) sweeps[n]?.()
  add(message(2))
  expect(under, 'one at a time').toHaveLength(2)
  under[0]?.done(true)
  under[2]?.done(true)
  expect(told).toEqual(['unappended 7-7', 'appended 1-1', 'appended 2-2'])
  const landed = appends.allLanded(ann)
  expect(under[3]?.seqs, 'what failed is written again').toEqual([7])
  under[3]?.done(true)
  await landed
  for (let n = 3; n < 5; n++) sweeps[n]?.()
  expect(sweeps, 'nobody is left to look at').toHaveLength(5)
})
