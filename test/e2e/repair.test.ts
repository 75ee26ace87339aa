/** Messages that a device cannot read are asked for again, and come; over a real node, and wires on which somebody changes them. */
import { afterEach, expect, it } from 'vitest'
import { identityOf } from '../../src/client/e2ee/x3dh.ts'
import { type Client, memoryStorage, type Storage } from '../../src/client/index.ts'
import { Unavailable } from '../../src/index.ts'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import { framed } from '../../src/protocol/keys/bytes.ts'
import { signedLink } from '../../src/protocol/keys/link.ts'
import { isQuiet } from '../../src/protocol/sealed.ts'
import { spoilt } from '../client/e2ee/spoilt.ts'
import { start } from './nodes.ts'
import { endAll, enter, link } from './sealing.ts'

afterEach(endAll)

async function take(client: Client, count: number) {
  const taken: { id: string; body: unknown; sealed: unknown; from: string; time: number }[] = []
  for await (const message of client.messages()) {
    const { id, body, sealed, from, time } = message
    if (taken.push({ id, body, sealed, from, time }) === count) break
  }
  return taken
}
/** What a device has kept, but for some of it. */
async function without(storage: Storage, what: RegExp): Promise<void> {
  const kept = await storage.load()
  await storage.write(new Map([...kept.keys()].filter((key) => what.test(key)).map((key) => [key, undefined])))
}

it('a message whose bytes were changed under way is told, asked for, and comes under its own id', async () => {
  await start({ e2ee: 'allowed' })
  const alice = await enter('alice')
  const bob = await enter('bob', { changed: (frame) => spoilt(frame) })
  const sent = await alice.send('bob', 'hello')
  expect(await take(bob, 1)).toEqual([{ id: sent.id, body: 'hello', sealed: true, from: 'alice', time: sent.time }])
  expect(bob.unread).toMatchObject([{ id: sent.id, chat: 'alice', from: 'alice', why: 'bad_tag', retrying: true }])
  // Both go on in the pairing that was begun for it.
  await bob.send('alice', 'there you are')
  expect(await take(alice, 1)).toMatchObject([{ body: 'there you are' }])
  expect(alice.unread).toEqual([])
  // What the devices said about it is no message of the chat.
  const [chat] = await bob.chats()
  expect(chat).toMatchObject({ id: 'alice', unread: 1 })
})

it('who has lost the pairings reads what comes after a moment, and what follows at once', async () => {
  await start({ e2ee: 'allowed' })
  const storage = memoryStorage()
  const alice = await enter('alice')
  const first = await enter('bob', { storage })
  await alice.send('bob', 'one')
  await take(first, 1)
  await first.send('alice', 'two')
  await take(alice, 1)
  await first.close()
  await without(storage, /^e2ee:(pair|open)/)
  const bob = await enter('bob', { storage })
  await alice.send('bob', 'three')
  await alice.send('bob', 'four')
  const read: unknown[] = []
  for await (const { body } of bob.messages()) {
    read.push(body)
    if (read.length === 3) await alice.send('bob', 'five')
    if (body === 'five') break
  }
  // The first had been left by its loop, and comes again; its key is lost, too.
  expect([read.slice(0, 3).toSorted(), read.slice(3)]).toEqual([['four', 'one', 'three'], ['five']])
  expect(bob.unread.map(({ retrying }) => retrying)).toEqual([true, true, true])
})

it('who was put back to an earlier moment heals with the first exchange', async () => {
  await start({ e2ee: 'allowed' })
  const storage = memoryStorage()
  const alice = await enter('alice')
  const first = await enter('bob', { storage })
  for (const text of ['one', 'two']) {
    await alice.send('bob', text)
    await first.send('alice', `${text} too`)
  }
  await take(first, 2)
  const before = await storage.load()
  for (const text of ['three', 'four']) {
    await first.send('alice', text)
    await alice.send('bob', `${text} too`)
  }
  await take(first, 2)
  await take(alice, 4)
  await first.close()
  const earlier = memoryStorage()
  await earlier.write(before)
  const bob = await enter('bob', { storage: earlier })
  await bob.send('alice', 'I am back')
  const texts = async (client: Client, last: string) => {
    for await (const { body } of client.messages()) if (body === last) return
  }
  await texts(alice, 'I am back')
  await alice.send('bob', 'welcome')
  await texts(bob, 'welcome')
})

it('copies for the own devices heal, too', async () => {
  await start({ e2ee: 'allowed' })
  const [phone, bob] = [await enter('alice'), await enter('bob')]
  const laptop = await link('alice', phone, { device: 'laptop', changed: (frame) => spoilt(frame) })
  const copies: unknown[] = []
  laptop.on('message', ({ id, body, sealed, to }) => void copies.push({ id, body, sealed, to }))
  const { id } = await phone.send('bob', 'hi Bob')
  await expect.poll(() => copies, { timeout: 60_000 }).toContainEqual({ id, body: 'hi Bob', sealed: true, to: 'bob' })
  expect(laptop.unread).toMatchObject([{ id, chat: 'bob', from: 'alice', retrying: true }])
  expect(await take(bob, 1)).toMatchObject([{ body: 'hi Bob' }])
})

it('what was sent before a device was let in is final', async () => {
  await start({ e2ee: 'allowed' })
  const [alice, phone] = [await enter('alice'), await enter('bob')]
  const { id } = await alice.send('bob', 'before')
  await take(phone, 1)
  const laptop = await link('bob', phone, { device: 'laptop' })
  await expect.poll(() => laptop.unread, { timeout: 60_000 }).not.toEqual([])
  expect(laptop.unread.at(-1)).toMatchObject({ id, retrying: false })
  await alice.send('bob', 'after')
  expect(await take(laptop, 1)).toMatchObject([{ body: 'after' }])
})

it('what its sender does not keep is told, once it was asked for', async () => {
  await start({ e2ee: 'allowed' })
  const alice = await enter('alice', { resend: { days: 0 } })
  const bob = await enter('bob', { changed: (frame) => spoilt(frame) })
  const { id } = await alice.send('bob', 'gone')
  const about = { id, chat: 'alice', from: 'alice' }
  await expect
    .poll(() => bob.unread, { timeout: 60_000 })
    .toMatchObject([
      { ...about, why: 'bad_tag', retrying: true },
      { ...about, why: 'not_kept', retrying: false },
    ])
})

it('two that can read nothing of each other ask a few times, and then are silent', async () => {
  let quiet = 0
  const counted = (frame: ServerFrame) => {
    if (frame[0] === 'message' && isQuiet(frame[5])) quiet += 1
    return spoilt(frame, true)
  }
  await start({ e2ee: 'allowed' })
  const [alice, bob] = [await enter('alice', { changed: counted }), await enter('bob', { changed: counted })]
  const { id } = await alice.send('bob', 'hello')
  const about = { id, chat: 'alice', from: 'alice', why: 'bad_tag' }
  await expect
    .poll(() => bob.unread, { timeout: 60_000 })
    .toMatchObject([
      { ...about, retrying: true },
      { ...about, retrying: false },
    ])
  // Whoever answered each answer would go on with each of these questions, which wait for the server as they do.
  for (let n = 0; n < 40; n++) await Promise.all([alice.devices(), bob.devices()])
  // Four times at most each asks, and says that it cannot read what the other said.
  expect(quiet).toBeLessThan(20)
})

it('nothing is said again to whoever has begun anew, before the person has accepted them', async () => {
  await start({ e2ee: 'allowed' })
  const alice = await enter('alice')
  const first = await enter('bob', { changed: (frame) => spoilt(frame) })
  await first.close()
  await alice.send('bob', 'for Bob alone')
  const again = await enter('bob', { device: 'phone' })
  await again.e2ee.reset()
  await expect.poll(() => again.unread, { timeout: 60_000 }).not.toEqual([])
  await alice.e2ee.identity('bob')
  const waiting = alice.queue('bob', 'a new one')
  await expect.poll(async () => (await alice.e2ee.identity('bob')).waits, { timeout: 60_000 }).toBe(true)
  expect(again.unread.every(({ retrying, why }) => !retrying || why !== 'not_kept')).toBe(true)
  await alice.e2ee.accept('bob')
  await alice.reached((await waiting).id, 'sent')
  // The first was sent before this device was there.
  expect(await take(again, 1)).toMatchObject([{ body: 'a new one' }])
})

it('who never answers keeps nobody else from being asked', async () => {
  await start({ e2ee: 'allowed' })
  const storage = memoryStorage()
  const asked = Array.from({ length: 256 }, (_, n) => {
    const frame = ['message', n + 1, `${n}`, 'mallory', 0, '']
    const of = { user: 'mallory', device: 'phone', frame, epoch: 1 }
    return [`e2ee:want:mallory\n${n}`, { ...of, why: 'bad_tag', tries: 1, asked: true }] as const
  })
  await storage.write(new Map(asked))
  const bob = await enter('bob', { storage, changed: (frame) => spoilt(frame) })
  const alice = await enter('alice')
  await alice.send('bob', 'hello')
  await expect.poll(() => bob.unread, { timeout: 60_000 }).toMatchObject([{ from: 'alice', retrying: true }])
  expect(await take(bob, 1)).toMatchObject([{ body: 'hello' }])
})

it('two chains of one user are told, and nothing goes to them any more, whatever the person says', async () => {
  await start({ e2ee: 'allowed' })
  const seed = new Uint8Array(32).fill(3)
  const of = { kind: 'change', user: 'bob', n: 2, at: 0, add: [], remove: [], by: identityOf(seed).public } as const
  const other = framed([signedLink('', { ...of, previous: new Uint8Array(32) }, seed)])
  const forked = (frame: ServerFrame) =>
    frame[0] === 'links' && frame[1] === 'bob' && frame[2] === 2
      ? (Object.assign([...frame], { 4: other }) as unknown as ServerFrame)
      : frame
  const [alice, bob] = [await enter('alice', { changed: forked }), await enter('bob')]
  await alice.send('bob', 'before')
  const changes: unknown[] = []
  alice.e2ee.on('identity', (event) => void changes.push(event))
  await link('bob', bob, { device: 'laptop' })
  const { id } = await alice.queue('bob', 'after')
  await expect.poll(() => changes, { timeout: 60_000 }).toEqual([{ user: 'bob', why: 'fork' }])
  await alice.e2ee.accept('bob')
  expect(await alice.e2ee.identity('bob')).toMatchObject({ waits: true })
  expect((await alice.outbox()).find((message) => message.id === id)).toMatchObject({ state: 'queued' })
  expect((await take(bob, 1)).map(({ body }) => body)).toEqual(['before'])
})

it('what a server says that an own device has sent without sealing it is not believed', async () => {
  await start({ e2ee: 'allowed' })
  const phone = await enter('alice')
  const forged = (frame: ServerFrame) =>
    frame[0] === 'copy' ? (Object.assign([...frame], { 5: 'pay Mallory' }) as unknown as ServerFrame) : frame
  const laptop = await link('alice', phone, { device: 'laptop', changed: forged })
  await enter('bob')
  const said: unknown[] = []
  laptop.on('message', ({ body }) => void said.push(body))
  await laptop.e2ee.identity('bob')
  const { id } = await phone.send('bob', 'hi')
  await expect
    .poll(() => laptop.unread, { timeout: 60_000 })
    .toMatchObject([{ id, chat: 'bob', from: 'alice', why: 'plaintext', retrying: false }])
  expect(said).toEqual([])
})

it('what a node refuses for now is said again as it was, and moves no ratchet', async () => {
  const bodies: string[] = []
  const allow = ({ body }: { body: string | Uint8Array }) => {
    if (!isQuiet(body)) return true
    bodies.push(String(body))
    if (bodies.length < 3) throw new Unavailable()
    return true
  }
  await start({ e2ee: 'allowed', allow })
  const alice = await enter('alice')
  const bob = await enter('bob', { changed: (frame) => spoilt(frame) })
  await alice.send('bob', 'hello')
  expect(await take(bob, 1)).toMatchObject([{ body: 'hello' }])
  expect(new Set(bodies.slice(0, 3)).size).toBe(1)
})

it('a repair wakes nobody', async () => {
  const [waiting, asked]: [string[], string[]] = [[], []]
  await start({
    e2ee: 'allowed',
    onWaiting: ({ id }) => void waiting.push(id),
    onAccepted: ({ body, to }) => void (isQuiet(body) && asked.push(to)),
  })
  const storage = memoryStorage()
  const alice = await enter('alice')
  await (await enter('bob', { storage })).close()
  const { id } = await alice.send('bob', 'hello')
  await alice.close()
  await enter('bob', { storage, changed: (frame) => spoilt(frame) })
  await expect.poll(() => asked, { timeout: 60_000 }).toEqual(['alice'])
  expect(waiting).toEqual([id])
})
