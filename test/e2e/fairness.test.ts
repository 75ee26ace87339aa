/** One user cannot make the others wait: a message to a group is charged by its copies, and what people write to each other passes a fan-out. Counted, not timed. */
import { afterEach, expect, it } from 'vitest'
import { memoryStore } from '../../src/index.ts'
import { end, node, start, url } from './nodes.ts'
import { enter, type Raw } from './raw.ts'

afterEach(end)
const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`

/** A group of ids that never existed. */
async function crowd(owner: Raw, group: string, members: number, first: number): Promise<void> {
  owner.say('send', id(first), group, 'Crowd', false, null, 'create')
  const names = Array.from({ length: members - 1 }, (_, n) => `${group.slice(1)} ${n}`).join('\n')
  owner.say('send', id(first + 1), group, names, false, null, 'add')
  await expect.poll(() => owner.of('sent').length).toBe(2)
}

/** Commits a few entries at a time, in the order of the appends, and says whose. */
function slowStore() {
  const store = memoryStore()
  const line: (() => void)[] = []
  const committed: string[] = []
  let running = false
  const run = () => {
    for (const until = committed.length + 64; committed.length < until && line.length > 0; ) line.shift()?.()
    running = line.length > 0
    if (running) setImmediate(run)
  }
  const append: typeof store.append = (user, epoch, term, entries) =>
    new Promise((resolve, reject) => {
      line.push(() => {
        committed.push(...entries.map(() => user))
        store.append(user, epoch, term, entries).then(resolve, reject)
      })
      if (!running) setImmediate(run)
      running = true
    })
  return { store: { ...store, append }, committed }
}

it('what somebody writes to a friend, or to a small group, passes the copies for a large one', async () => {
  const { store, committed } = slowStore()
  await start({ store, limits: { sendsPerSecond: 1_000_000 } })
  const [mallory, alice] = [await enter(url, 'mallory'), await enter(url, 'alice')]
  await crowd(mallory, '#crowd', 1_000, 1)
  alice.say('send', id(50), '#two', 'Two', false, null, 'create')
  alice.say('send', id(51), '#two', 'bob', false, null, 'add')
  await expect.poll(() => committed.includes('bob')).toBe(true)
  const before = committed.length
  for (let n = 0; n < 40; n++) mallory.say('send', id(100 + n), '#crowd', 'x', false)
  await expect.poll(() => mallory.of('sent').length).toBe(42)
  await expect.poll(() => committed.length).toBeGreaterThan(before + 500)
  const from = committed.length
  alice.say('send', id(60), 'carol', 'hi', false)
  alice.say('send', id(61), '#two', 'hi', false)
  await expect.poll(() => committed.indexOf('carol') > 0 && committed.lastIndexOf('bob') > from).toBe(true)
  // 8,192 of 40,000 are under way, and what came in while the frame was on its way.
  expect(committed.indexOf('carol') - from).toBeLessThan(14_000)
  expect(committed.lastIndexOf('bob') - from).toBeLessThan(16_000)
  await expect.poll(() => committed.length - before).toBeGreaterThan(39_900)
})

it('a message to a group takes as many of the rate as it makes copies, also of a group that was not in memory', async () => {
  await start({ limits: { sendsPerSecond: 100 } })
  const mallory = await enter(url, 'mallory')
  await crowd(mallory, '#crowd', 150, 1)
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  for (let n = 0; n < 4; n++) mallory.say('send', id(10 + n), '#crowd', 'x', false)
  await expect.poll(() => mallory.of('sent').length + mallory.of('error').length).toBe(6)
  const [, code, , ref, retryAfter] = mallory.of('error')[0] ?? []
  expect([code, ref]).toEqual(['rate_limited', id(11)])
  expect(retryAfter).toBeGreaterThan(500)
  expect(mallory.of('error').map((frame) => frame[3])).toEqual([11, 12, 13].map(id))
  await node.close()
  await start({ limits: { sendsPerSecond: 100, members: 1_024 } })
  const eve = await enter(url, 'eve')
  // It is loaded for the first of them; what that took too much is given back.
  for (let n = 0; n < 3; n++) eve.say('send', id(20 + n), '#none', 'x', false)
  await expect.poll(() => eve.of('error').length).toBe(3)
  expect(eve.of('error').map((frame) => frame[1])).toEqual(['rate_limited', 'rate_limited', 'unknown_group'])
})
