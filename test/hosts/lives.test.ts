/** The lives of nodes on a store, by which a cursor is known to be of a store that was put back. */
import { expect, it } from 'vitest'
import { beginLife, presented } from '../../src/hosts/lives.ts'
import { memoryStore } from '../../src/index.ts'
import type { LifeStore, TermStore } from '../../src/store/contract.ts'

const cursor = { epoch: 7, seq: 5 }
const clock = (name: number) => ({ name: () => name })

async function start() {
  const store = memoryStore()
  await store.open()
  return store
}

it('each start of a node has a higher term, and a name by which later ones find it', async () => {
  const store = await start()
  const first = await beginLife(store, clock(111))
  const second = await beginLife(store, clock(222))
  expect([first.life, second.life]).toEqual([111, 222])
  expect(second.term).toBeGreaterThan(first.term)
  expect(await presented(store, second, { ...cursor, life: 111 })).toEqual({ ...cursor, term: first.term })
})

it('a cursor of this life is shown at once, without a look into the store', async () => {
  const store = await start()
  const now = await beginLife(store, clock(111))
  await store.close()
  expect(presented(store, now, { ...cursor, life: 111 })).toEqual({ ...cursor, term: now.term })
})

it('a cursor of a life that the store does not know is of none: that store was put back from before it', async () => {
  const store = await start()
  const now = await beginLife(store, clock(111))
  expect(await presented(store, now, { ...cursor, life: 999 })).toEqual({ ...cursor, term: 0 })
})

it('a client that names no life, and a store that keeps none, leave the term unsaid', async () => {
  const store = await start()
  const now = await beginLife(store, clock(111))
  expect(presented(store, now, { ...cursor, life: 0 })).toEqual(cursor)
  const forgetful: TermStore & LifeStore = { takeTerm: store.takeTerm }
  const unnamed = await beginLife(forgetful, clock(222))
  expect(unnamed).toEqual({ term: now.term + 1, life: 0 })
  expect(presented(forgetful, unnamed, { ...cursor, life: 111 })).toEqual(cursor)
})

it('a node does not start where its name cannot be kept', async () => {
  const store = await start()
  const lives = { ...store.lives, begin: () => Promise.reject(new Error('the disk is full')) } as never
  await expect(beginLife({ ...store, lives }, clock(111))).rejects.toThrow('the disk is full')
})
