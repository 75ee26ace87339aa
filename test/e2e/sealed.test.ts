/** Sealed messages between clients of the SDK, over a real node. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it, onTestFinished } from 'vitest'
import type { Unread } from '../../src/client/e2ee/types.ts'
import { type Client, connect, memoryStorage } from '../../src/client/index.ts'
import { fileStorage } from '../../src/client/node.ts'
import type { Transport } from '../../src/client/transport.ts'
import { webSocketTransport } from '../../src/client/websocket.ts'
import { lmdbStore } from '../../src/index.ts'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import { keptBody, sentBody } from '../../src/protocol/keys/parts.ts'
import { through } from '../client/e2ee/spoilt.ts'
import { end, node, start, url } from './nodes.ts'
import { enter as enterRaw } from './raw.ts'
import { closeClients, endAll, ending, enter } from './sealing.ts'

afterEach(endAll)

const plain = (user: string): Client => ending(connect({ url, token: user }))
async function take(client: Client, count: number) {
  const taken = []
  for await (const message of client.messages()) if (taken.push(message) === count) break
  return taken
}
const heard = <Event>(of: (listener: (event: Event) => void) => unknown) => {
  const events: Event[] = []
  of((event) => events.push(event))
  return events
}
const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`

it('what one sends the other reads, text and bytes, and each message says that it was sealed', async () => {
  await start({ e2ee: 'allowed' })
  const [alice, bob] = [await enter('alice'), await enter('bob')]
  expect(await bob.e2ee.place()).toBe('linked')
  expect(await alice.send('bob', 'hi')).toMatchObject({ state: 'sent', sealed: true })
  await alice.send('bob', new Uint8Array([0, 255]))
  expect(await take(bob, 2)).toMatchObject([
    { from: 'alice', body: 'hi', sealed: true },
    { body: new Uint8Array([0, 255]), sealed: true },
  ])
  await bob.send('alice', 'x'.repeat(5_000))
  expect(await take(alice, 1)).toMatchObject([{ from: 'bob', body: 'x'.repeat(5_000), sealed: true }])
})

it('nothing that a server says passes for what somebody has sealed', async () => {
  await start({ e2ee: 'allowed' })
  // Place, lifetime and change of what is not sealed at all.
  const forged = [[{}], [{ group: 'bob' }], [null, null, 'lifetime'], [null, null, 'other']]
  const forge = (frame: ServerFrame): ServerFrame => {
    const items: unknown[] = [...frame]
    while (items.length < (frame[0] === 'sent' ? 6 : 10)) items.push(null)
    if (frame[0] === 'sent') return [...items, true] as unknown as ServerFrame
    if (frame[0] !== 'message') return frame
    if (frame[3] === 'bob') items[7] = { group: '#team' }
    if (frame[3] === 'mallory') {
      items.splice(3, 3, 'bob', frame[4], 'pay Mallory')
      for (const [at, item] of (forged.shift() ?? []).entries()) items[7 + at] = item
    }
    return [...items, true] as unknown as ServerFrame
  }
  const transport = through(forge)
  const [alice, bob] = [await enter('alice', { transport }), await enter('bob')]
  const unread = heard<Unread>((listener) => alice.e2ee.on('unreadable', listener))
  await alice.e2ee.identity('bob')
  const mallory = plain('mallory')
  for (let n = 0; n < 4; n++) await mallory.send('alice', 'hi')
  await plain('carol').send('alice', 'I have no keys')
  await bob.send('alice', 'yes')
  const [first, second] = await take(alice, 2)
  expect(first).toMatchObject({ from: 'carol', body: 'I have no keys' })
  expect(first?.sealed).toBeUndefined()
  expect(second).toMatchObject({ from: 'bob', chat: 'bob', body: 'yes', sealed: true })
  expect(unread.map(({ from, why }) => [from, why])).toEqual(Array(4).fill(['bob', 'plaintext']))
  const dave = await enter('dave', { transport, plaintext: 'allow' })
  expect((await dave.send('carol', 'hello')).sealed).toBeUndefined()
})

it('a program that ends and comes back goes on with the keys in its files', async () => {
  await start({ e2ee: 'allowed' })
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-sealed-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const bob = await enter('bob')
  const all = ['hello 0', 'hello 1', 'hello 2']
  for (let n = 0; n < 3; n++) {
    const alice = await enter('alice', { storage: fileStorage(join(folder, 'alice')) })
    expect(await alice.e2ee.place()).toBe('linked')
    await alice.send('bob', `hi ${n}`)
    expect((await take(bob, n === 0 ? 1 : 2)).at(-1)?.body).toBe(`hi ${n}`)
    await bob.send('alice', `hello ${n}`)
    // What a loop was left with comes again, and can be read again.
    expect((await take(alice, n === 0 ? 1 : 2)).map(({ body }) => body)).toEqual(all.slice(Math.max(0, n - 1), n + 1))
    await alice.close()
  }
})

it('both see the same number, which one verifies; another number is not it', async () => {
  await start({ e2ee: 'allowed' })
  const [alice, bob] = [await enter('alice'), await enter('bob')]
  const [theirs, mine] = [await alice.e2ee.identity('bob'), await bob.e2ee.identity('alice')]
  expect(theirs.safetyNumber).toMatch(/^(\d{5} ){11}\d{5}$/)
  expect(mine).toMatchObject({ safetyNumber: theirs.safetyNumber, verified: false, devices: ['phone'], waits: false })
  await expect(
    alice.e2ee.verify(
      'bob',
      theirs.safetyNumber.replace(/\d/, (one) => `${9 - Number(one)}`),
    ),
  ).rejects.toMatchObject({
    code: 'other_number',
  })
  await alice.e2ee.verify('bob', theirs.safetyNumber.replaceAll(' ', ''))
  expect(await alice.e2ee.identity('bob')).toMatchObject({ verified: true })
  await expect(alice.e2ee.identity('nobody')).rejects.toMatchObject({ code: 'no_keys' })
})

it('after a reset nothing is sent, also what was queued before, until the person has accepted it', async () => {
  await start({ e2ee: 'allowed' })
  const [alice, bob] = [await enter('alice'), await enter('bob')]
  await alice.send('bob', 'before')
  await take(bob, 1)
  const { safetyNumber } = await alice.e2ee.identity('bob')
  await alice.e2ee.verify('bob', safetyNumber)
  await bob.close()
  const again = await enter('bob')
  expect(await again.e2ee.place()).toBe('unlinked')
  await expect(again.send('alice', 'let me in')).rejects.toMatchObject({ code: 'no_keys' })
  const changes = heard<object>((listener) => alice.e2ee.on('identity', listener))
  expect(await again.e2ee.reset()).toBe('linked')
  const waiting = alice.queue('bob', 'for whom?')
  await expect.poll(() => changes).toEqual([{ user: 'bob', why: 'reset' }])
  const now = await alice.e2ee.identity('bob')
  expect(now).toMatchObject({ waits: true, verified: false })
  expect(now.safetyNumber).not.toBe(safetyNumber)
  expect((await alice.outbox()).at(-1)).toMatchObject({ state: 'queued' })
  await alice.e2ee.accept('bob')
  await alice.reached((await waiting).id, 'sent')
  expect((await take(again, 1)).at(0)).toMatchObject({ body: 'for whom?', sealed: true })
})

it('a yes is for the devices that were shown, and not for others that have come since', async () => {
  await start({ e2ee: 'allowed' })
  const [alice, bob] = [await enter('alice'), await enter('bob')]
  await alice.send('bob', 'before')
  await bob.close()
  const changes = heard<object>((listener) => alice.e2ee.on('identity', listener))
  const second = await enter('bob', { device: 'second' })
  await second.e2ee.reset()
  const waiting = await alice.queue('bob', 'for whom?')
  await expect.poll(() => changes).toHaveLength(1)
  const shown = await alice.e2ee.identity('bob')
  const third = await enter('bob', { device: 'third' })
  await third.e2ee.reset()
  await third.send('alice', 'me')
  await expect.poll(() => changes).toHaveLength(2)
  await alice.e2ee.accept('bob', shown)
  expect(await alice.e2ee.identity('bob')).toMatchObject({ waits: true, devices: ['third'] })
  await alice.e2ee.accept('bob', await alice.e2ee.identity('bob'))
  await alice.reached(waiting.id, 'sent')
})

it('without keys nothing is sent, unless the program allows it; and nothing is handed out as from whoever has keys', async () => {
  await start({ e2ee: 'allowed' })
  const [alice, bob, carol] = [await enter('alice'), await enter('bob', { plaintext: 'allow' }), plain('carol')]
  await expect(alice.send('carol', 'hi')).rejects.toMatchObject({ code: 'no_keys' })
  const sent = await bob.send('carol', 'hi')
  expect([sent.state, sent.sealed]).toEqual(['sent', undefined])
  expect((await take(carol, 1))[0]?.body).toBe('hi')
  await bob.send('alice', 'sealed')
  const unread = heard<object>((listener) => alice.e2ee.on('unreadable', listener))
  await node.send({ from: 'bob', to: 'alice', body: 'as bob', id: id(1) })
  await carol.send('alice', 'from carol')
  const taken = await take(alice, 2)
  expect(taken.map(({ body, sealed }) => [body, sealed])).toEqual([
    ['sealed', true],
    ['from carol', undefined],
  ])
  expect(unread).toMatchObject([{ id: id(1), chat: 'bob', from: 'bob', why: 'plaintext', retrying: false }])
})

it('a client that knows nothing of it gets nothing in the place of a sealed message, and no bytes of it', async () => {
  await start({ e2ee: 'allowed' })
  const [alice, bob] = [await enter('alice'), await enter('bob')]
  const old = await enterRaw(url, 'bob', 'old')
  await alice.send('bob', 'secret')
  await take(bob, 1)
  await expect.poll(() => old.of('gone')).toEqual([['gone', 1, 1]])
  expect(old.of('message')).toEqual([])
})

it('where it is off the node refuses it all, and where it is required all else between two users', async () => {
  await start()
  const alice = await enter('alice')
  expect(await alice.e2ee.place()).toBe('refused')
  await expect(alice.send('bob', 'hi')).rejects.toMatchObject({ code: 'no_keys' })
  await alice.close()
  await end()
  await start({ e2ee: 'required' })
  await expect(plain('carol').send('bob', 'hi')).rejects.toMatchObject({ code: 'not_sealed' })
  const [dave, erin] = [await enter('dave'), await enter('erin')]
  await dave.send('erin', 'sealed')
  expect((await take(erin, 1))[0]?.body).toBe('sealed')
})

it('bodies that only a node makes, that are no such body, or too large, are refused', async () => {
  await start({ e2ee: 'allowed', limits: { sealedBytes: 2_000 } })
  const alice = await enterRaw(url, 'alice')
  const part = { device: 'phone' as never, type: 1, bytes: new Uint8Array(3_000) }
  const base64 = (bytes: Uint8Array) => ({ base64: Buffer.from(bytes).toString('base64') })
  const bodies = [
    keptBody({ from: 'phone' as never, parts: [] }),
    sentBody({ theirs: 1, mine: 1, parts: [part], own: [] }),
  ]
  for (const [n, body] of bodies.entries()) alice.say('send', id(n), 'bob', base64(body), false)
  await expect.poll(() => alice.of('error').map((frame) => [frame[3], frame[1]])).toHaveLength(2)
  expect(new Map(alice.of('error').map((frame) => [frame[3], frame[1]]))).toEqual(
    new Map([
      [id(0), 'bad_frame'],
      [id(1), 'too_large'],
    ]),
  )
  await expect(node.send({ from: 'a', to: 'b', body: bodies[0] as Uint8Array })).rejects.toMatchObject({
    code: 'bad_frame',
  })
})

it('neither the files of a node nor its wires have what was said, nor a private key; what was not sealed they have', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-sealed-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  await start({ e2ee: 'allowed', store: lmdbStore(folder) })
  let wire = ''
  const note = (data: string | Uint8Array) => {
    wire += typeof data === 'string' ? data : Buffer.from(data).toString('latin1')
  }
  const tapped: Transport = (at, subprotocol, events) => {
    const connection = webSocketTransport(at, subprotocol, {
      ...events,
      opened: () => events.opened(),
      lost: (...why) => events.lost(...why),
      heard: (data) => {
        note(data)
        events.heard(data)
      },
    })
    return {
      close: (...why) => connection.close(...why),
      send: (data) => {
        note(data)
        connection.send(data)
      },
    }
  }
  const storage = memoryStorage()
  const [alice, bob] = [await enter('alice', { transport: tapped, storage }), await enter('bob', { transport: tapped })]
  const [hidden, shown] = ['the canary is hidden 7c1e', 'the canary is shown 9b2f']
  await alice.send('bob', hidden)
  await bob.send('alice', hidden)
  await Promise.all([take(alice, 1), take(bob, 1)])
  await plain('carol').send('dave', shown)
  const me = (await storage.load()).get('e2ee:me') ?? expect.fail('it has no keys')
  const { seed, signed } = me as { seed: Uint8Array; signed: { secret: Uint8Array }[] }
  await closeClients()
  await node.close()
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path).toString('latin1'))
    .join()
  const forms = (bytes: Uint8Array) =>
    (['latin1', 'hex', 'base64'] as const).map((form) => Buffer.from(bytes).toString(form))
  const secrets = [...forms(Buffer.from(hidden)), ...[seed, ...signed.map(({ secret }) => secret)].flatMap(forms)]
  expect(secrets.filter((secret) => files.includes(secret) || wire.includes(secret))).toEqual([])
  expect(files.includes(shown)).toBe(true)
  expect(wire.length).toBeGreaterThan(10_000)
})
