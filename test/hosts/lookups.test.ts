/** What an actor with a log asks of the store, which may not answer, and whose clock may be wrong. */
import { expect, it } from 'vitest'
import { Calendar } from '../../src/hosts/calendar.ts'
import { entriesOf, type Lookup, lookUp } from '../../src/hosts/logs/lookups.ts'
import { memoryStore } from '../../src/index.ts'
import type { Carrier, Entry } from '../../src/protocol/entry.ts'
import type { DeviceId } from '../../src/protocol/ids.ts'
import type { LogStore } from '../../src/store/contract.ts'
import { message, user } from '../contracts/store.ts'

const bob = user('bob')
const [time, day] = [1_700_000_000_000, 86_400_000]
const idOf = (entry: Entry) => (entry as Carrier).id

/** A clock that is off by so much since the node began. */
async function start(entries: readonly Entry[], { off = 0, over = {} as Partial<LogStore> } = {}) {
  const store = memoryStore()
  await store.open()
  await store.append(bob, 7, await store.takeTerm(), entries)
  let passed = 0
  const calendar = new Calendar({ now: () => time + passed, monotonic: () => 1 }, undefined)
  passed = off
  const ask = (lookup: Lookup) => lookUp({ ...store, ...over }, calendar, bob, lookup)
  return { store, ask }
}
const lasting = (seq: number, lifetime: string, expires?: number): Entry =>
  ({ ...message(seq, time), lifetime, ...(expires !== undefined && { expires }) }) as Entry

const find: Lookup = { do: 'find', keys: [{ sender: user('alice'), id: idOf(message(1)) }], upTo: 2 }
const fetch: Lookup = { do: 'fetch', reader: 3, from: 2, limit: 10, bytes: 1_000 }
const save: Lookup = {
  do: 'save',
  epoch: 7,
  cursors: [{ device: 'phone' as DeviceId, seq: 1, seenAt: 5 }],
  settled: 1,
}
const begin: Lookup = { do: 'start', started: { is: 'delivered', upTo: 1 }, tail: 2, session: 0 }

it('an actor gets what it asks for, and which question that answers', async () => {
  const { store, ask } = await start([lasting(1, 'delivered 60000'), lasting(2, 'delivered 60000')])
  expect(await ask(find)).toEqual({ is: 'found', repeats: [{ seq: 1, time }] })
  expect(await ask(fetch)).toMatchObject({ is: 'page', reader: 3, from: 2, entries: [{ seq: 2 }] })
  expect(await ask(save)).toEqual({ is: 'saved', ok: true })
  expect((await store.load(bob))?.cursors).toEqual(save.cursors)
  expect(await ask(begin)).toEqual({ is: 'started', started: begin.started, tail: 2, session: 0, lowest: 2 })
})

it('an actor hears that the store did not answer, whatever it asked: nothing rejects', async () => {
  const { store, ask } = await start([message(1, time)])
  await store.close()
  expect(await ask(find)).toEqual({ is: 'found', repeats: null })
  expect(await ask(fetch)).toEqual({ is: 'page', reader: 3, from: 2, entries: null })
  expect(await ask(save)).toEqual({ is: 'saved', ok: false })
  expect(await ask(begin)).toEqual({ is: 'started', started: begin.started, tail: 2, session: 0, lowest: null })
})

it('a repeat is looked for by the time that is sure, so that a clock that jumped ahead hides none', async () => {
  const asked: number[] = []
  const findRepeats: LogStore['findRepeats'] = async (_user, _keys, now) => {
    asked.push(now)
    return [undefined]
  }
  const { ask } = await start([message(1, time)], { off: 31 * day, over: { findRepeats } })
  expect(await ask(find)).toEqual({ is: 'found', repeats: [undefined] })
  expect(asked).toEqual([time])
})

it('what has run out is read as gone', async () => {
  const { ask } = await start([lasting(1, 'read 5'), lasting(2, 'read 5', time - 1), lasting(3, 'read 5', time + 1)])
  const page = await ask({ ...fetch, from: 1 })
  expect(page.is === 'page' && page.entries?.map(({ is }) => is)).toEqual(['message', 'gone', 'message'])
})

it('a timer starts from now on; by a clock that is months behind not from then, or it would run out at once', async () => {
  const { store, ask } = await start([lasting(1, 'delivered 60000')], { off: -90 * day })
  await ask(begin)
  expect(await store.read(bob, 1, 1, 1, time + 59_999)).toMatchObject([{ is: 'message', expires: time + 60_000 }])
})

it('all entries of a log are read page by page, from the first asked for to the last, however many there are', async () => {
  const { store } = await start(Array.from({ length: 2_500 }, (_, n) => message(n + 1, time)))
  const seqs = async (from: number, upTo: number) => {
    const all: number[] = []
    for await (const { seq } of entriesOf(store, bob, from, upTo, time)) all.push(seq)
    return all
  }
  const all = await seqs(1, 2_500)
  expect([all.length, new Set(all).size, all.at(-1)]).toEqual([2_500, 2_500, 2_500])
  expect(await seqs(999, 1_002)).toEqual([999, 1_000, 1_001, 1_002])
  expect(await seqs(2_499, Number.MAX_SAFE_INTEGER)).toEqual([2_499, 2_500])
  expect(await seqs(2_501, 2_600)).toEqual([])
})
