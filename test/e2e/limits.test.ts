/** Every size, rate and count that a stranger can grow has a limit: each is hit here. Frame size, bodies, ids, rates and the time to hello: hostile.test.ts. */
import { afterEach, expect, it } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { createNode, memoryStore } from '../../src/index.ts'
import { end, node, start, url } from './nodes.ts'
import { enter } from './raw.ts'

afterEach(end)

const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`

it('devices: with all connected a further one is refused; one that is away makes room', async () => {
  await start({ limits: { devices: 2 } })
  const phone = await enter(url, 'alice', 'phone')
  await enter(url, 'alice', 'laptop')
  expect(await (await enter(url, 'alice', 'tablet')).closed).toBe(3504)
  phone.socket.close()
  await phone.closed
  expect((await enter(url, 'alice', 'tablet')).of('welcome')).toHaveLength(1)
})

it('connections of one address', async () => {
  await start({ limits: { connectionsPerAddress: 2 } })
  await enter(url, 'alice')
  const second = await enter(url, 'bob')
  expect(await (await enter(url, 'carol')).closed).toBe(3006)
  second.socket.close()
  await second.closed
  expect((await enter(url, 'carol')).of('welcome')).toHaveLength(1)
})

it('wrong tokens of one address: above it right ones wait, too, and who is in stays', async () => {
  const authenticate = (token: string | null) => (token === 'wrong' || !token ? undefined : { user: token })
  await start({ authenticate, limits: { wrongTokensPerMinute: 2 } })
  const alice = await enter(url, 'alice')
  for (const code of [3500, 3500, 3010]) expect(await (await enter(url, 'wrong')).closed).toBe(code)
  expect(await (await enter(url, 'bob')).closed).toBe(3010)
  alice.say('send', id(1), 'bob', 'still here', false)
  await expect.poll(() => alice.of('sent')).toHaveLength(1)
})

it('watches of one connection', async () => {
  await start({ limits: { watches: 2 } })
  const alice = await enter(url, 'alice')
  for (const user of ['a', 'b', 'c']) alice.say('watch', user)
  await expect.poll(() => alice.of('error')[0]?.slice(1, 4)).toEqual(['too_many_watches', 'watch', 'c'])
  alice.say('unwatch', 'a')
  alice.say('watch', 'c')
  await expect.poll(() => alice.of('presence').map((frame) => frame[1])).toContain('c')
})

it('entries of an inbox: a full one says so, and takes more when its owner has acknowledged', async () => {
  await start({ limits: { inboxEntries: 3 } })
  const alice = await enter(url, 'alice')
  for (let n = 1; n <= 4; n++) alice.say('send', id(n), 'bob', 'x', false)
  await expect.poll(() => alice.of('error')[0]?.slice(1, 5)).toEqual(['inbox_full', 'send', id(4), 5_000])
  const bob = await enter(url, 'bob')
  await expect.poll(() => bob.of('message')).toHaveLength(3)
  bob.say('ack', 3)
  alice.say('send', id(4), 'bob', 'x', true)
  await expect.poll(() => alice.of('sent')).toHaveLength(4)
})

it('chats that are told of, and how often an inbox is read for that', async () => {
  await start({ limits: { chats: 2, chatsMs: 1_000 } })
  for (const from of ['alice', 'carol', 'dave', 'alice']) await node.send({ from, to: 'bob', body: 'x' })
  const bob = await enter(url, 'bob')
  const since = performance.now()
  bob.say('ask', 'chats')
  bob.say('ask', 'chats')
  bob.say('ask', 'devices')
  await expect.poll(() => bob.of('done').map(([, , ref, n]) => [ref, n])).toContainEqual(['chats', 2])
  bob.say('ask', 'chats')
  await expect.poll(() => bob.of('done').filter(([, , ref]) => ref === 'chats')).toHaveLength(2)
  expect(performance.now() - since, 'not before its time').toBeGreaterThanOrEqual(1_000)
  expect(bob.of('chat').map(([, chat, seq, , unread]) => [chat, seq, unread])).toEqual([
    ['alice', 4, 2],
    ['dave', 3, 1],
    ['alice', 4, 2],
    ['dave', 3, 1],
  ])
})

it('the un-acknowledged window, in entries and in bytes', async () => {
  await start({ limits: { windowEntries: 4, windowBytes: 1_000 } })
  for (let n = 1; n <= 10; n++) await node.send({ from: 'shop', to: 'bob', body: 'x', id: id(n) })
  const bob = await enter(url, 'bob')
  await expect.poll(() => bob.of('message')).toHaveLength(4)
  bob.say('ack', 4)
  await expect.poll(() => bob.of('message')).toHaveLength(8)
  bob.say('ack', 11)
  await expect.poll(() => bob.of('error')[0]?.slice(1, 5)).toEqual(['ack_above_tail', 'ack', null, 0])
  bob.say('ack', 8)
  await expect.poll(() => bob.of('live')).toHaveLength(1)
  bob.say('ack', 10)
  for (let n = 11; n <= 14; n++) await node.send({ from: 'shop', to: 'bob', body: 'y'.repeat(400), id: id(n) })
  await expect.poll(() => bob.of('message')).toHaveLength(12)
  bob.say('ack', 12)
  await expect.poll(() => bob.of('message')).toHaveLength(14)
  expect(bob.of('message').map((frame) => frame[1])).toEqual(Array.from({ length: 14 }, (_, n) => n + 1))
})

it('sends in flight: what is above is busy, and what follows waits for it', async () => {
  await start({ limits: { sendsInFlight: 2 }, allow: () => new Promise((resolve) => setTimeout(resolve, 200, true)) })
  const alice = await enter(url, 'alice')
  for (let n = 1; n <= 4; n++) alice.say('send', id(n), 'bob', 'x', false)
  await expect.poll(() => alice.of('sent')).toHaveLength(2)
  expect(alice.of('error').map((frame) => [frame[1], frame[3]])).toEqual([
    ['busy', id(3)],
    ['busy', id(4)],
  ])
  alice.say('send', id(4), 'bob', 'x', true)
  await expect.poll(() => alice.of('error')).toHaveLength(3)
  alice.say('send', id(3), 'bob', 'x', true)
  alice.say('send', id(4), 'bob', 'x', true)
  await expect.poll(() => alice.of('sent').map((frame) => frame[1])).toEqual([id(1), id(2), id(3), id(4)])
})

it('frames per second: sends above are rate_limited, acks are not', async () => {
  await start({ limits: { framesPerSecond: 10 } })
  const alice = await enter(url, 'alice')
  for (let n = 1; n <= 25; n++) alice.say('send', id(n), 'bob', 'x', false)
  await expect.poll(() => alice.of('error').length).toBeGreaterThan(0)
  expect(alice.of('error').every((frame) => frame[1] === 'rate_limited' || frame[1] === 'busy')).toBe(true)
  expect(alice.of('error')[0]?.[1]).toBe('rate_limited')
})

it('bytes in a socket that nobody reads: the connection is closed, and nothing is lost', async () => {
  await start({ limits: { windowEntries: 1_000, windowBytes: 4 * 1024 * 1024, socketBytes: 8 * 1024 * 1024 } })
  const bob = await enter(url, 'bob')
  bob.socket.pause()
  for (let n = 1; n <= 600; n++) await node.send({ from: 'shop', to: 'bob', body: 'x'.repeat(30_000), id: id(n) })
  expect((await node.inspect('bob'))?.devices[0]?.unacknowledged).toBeLessThan(150)
  bob.socket.resume()
  await expect.poll(() => bob.of('message').length).toBeGreaterThan(100)
})

it.each([
  [{ idLength: 300 }, /idLength/],
  [{ bodyBytes: 100_000 }, /bodyBytes/],
  [{ windowBytes: 10_000_000 }, /socketBytes/],
  [{ devices: 0 }, /devices/],
  [{ fish: 1 } as object, /fish/],
])('refuses limits that cannot be: %j', async (limits, text) => {
  await start({})
  expect(() => createNode({ store: memoryStore(), limits })).toThrow(text)
})

it('sends of one user to another, and of one user from all devices: refused with the time to wait', async () => {
  await start({ limits: { sendsPerSecondToOne: 5, sendsPerSecond: 10 } })
  const [phone, laptop] = [await enter(url, 'alice', 'phone'), await enter(url, 'alice', 'laptop')]
  for (let n = 0; n < 11; n++) phone.say('send', id(n), 'bob', 'hi', false)
  await expect.poll(() => phone.of('sent').length + phone.of('error').length).toBe(11)
  const [, code, kind, ref, retryAfter] = phone.of('error')[0] ?? []
  expect([code, kind, ref]).toEqual(['rate_limited', 'send', id(10)])
  expect(retryAfter).toBeGreaterThan(0)
  expect(retryAfter).toBeLessThanOrEqual(200)
  await new Promise((resolve) => setTimeout(resolve, Number(retryAfter) + 5))
  phone.say('send', id(10), 'bob', 'hi', true)
  await expect.poll(() => phone.of('sent').length).toBe(11)
  for (let n = 20; n < 40; n++) laptop.say('send', id(n), `user ${n}`, 'hi', false)
  await expect.poll(() => laptop.of('sent').length + laptop.of('error').length).toBe(20)
  expect(laptop.of('error').length, 'the phone has used up half of it').toBeGreaterThan(5)
  expect(laptop.of('error').every((frame) => frame[1] === 'rate_limited' && Number(frame[4]) <= 1_000)).toBe(true)
})

it('the SDK waits as long as it is told, and keeps the order', async () => {
  await start({ limits: { sendsPerSecondToOne: 20 } })
  const [alice, bob] = [connect({ url, token: 'alice' }), connect({ url, token: 'bob' })]
  const started = performance.now()
  const bodies = Array.from({ length: 70 }, (_, n) => String(n))
  const sent = Promise.all(bodies.map((body) => alice.send('bob', body)))
  const taken: unknown[] = []
  for await (const { body } of bob.messages()) if (taken.push(body) === bodies.length) break
  await sent
  expect(taken).toEqual(bodies)
  expect(performance.now() - started).toBeGreaterThan(1_000)
  await alice.close()
  await bob.close()
})
