/** The appends of one inbox, one at a time, by a store whose answers are given by hand. */
import { expect, it } from 'vitest'
import { Appends } from '../../src/hosts/logs/appends.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import { message, user } from '../contracts/store.ts'

const bob = user('bob')

function slow() {
  const under: { readonly seqs: number[]; done(ok: boolean): void }[] = []
  const appends = new Appends((_user, _epoch, entries, done) =>
    under.push({ seqs: entries.map(({ seq }) => seq), done }),
  )
  const told: string[] = []
  const add = (...entries: Entry[]) =>
    appends.add(bob, 7, entries, (is, first, last) => told.push(`${is} ${first}-${last}`))
  return { appends, add, under, told }
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
