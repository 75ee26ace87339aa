/** Several devices of a user with keys: how another is let in and shut out, over a real node. */
import { afterEach, expect, it } from 'vitest'
import { codeIn } from '../../src/client/e2ee/code.ts'
import { identityOf } from '../../src/client/e2ee/x3dh.ts'
import { type Client, memoryStorage, type Storage } from '../../src/client/index.ts'
import type { Transport } from '../../src/client/transport.ts'
import { memoryStore } from '../../src/index.ts'
import type { ClientFrame, ServerFrame } from '../../src/protocol/frames.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import { jsonCodec } from '../../src/protocol/json.ts'
import { framed } from '../../src/protocol/keys/bytes.ts'
import { hashOf, newAddition, signedLink } from '../../src/protocol/keys/link.ts'
import { sentIn } from '../../src/protocol/keys/parts.ts'
import { through } from '../client/e2ee/spoilt.ts'
import { start } from './nodes.ts'
import { endAll, enter as enterWith, letIn, type Sealing, sealing } from './sealing.ts'

afterEach(endAll)

const enter = (user: string, device: string, storage?: Storage, transport?: Transport) =>
  enterWith(user, { device, ...(storage && { storage }), ...(transport && { transport }) })
/** Resolves when the device has that place. */
const becomes = (client: Sealing, place: string) =>
  expect.poll(() => client.e2ee.place(), { timeout: 60_000 }).toBe(place)

async function link(user: string, by: Sealing, device: string): Promise<Sealing> {
  const client = await enter(user, device)
  await letIn(client, by)
  return client
}
/** A phone, and another device that it has let in. */
async function both(user: string): Promise<[Sealing, Sealing]> {
  const phone = await enter(user, 'phone')
  return [phone, await link(user, phone, 'laptop')]
}
async function take(client: Client, count: number) {
  const taken: unknown[] = []
  for await (const { body, sealed } of client.messages()) if (taken.push([body, sealed]) === count) break
  return taken
}
const own = (client: Client) => {
  const told: unknown[] = []
  client.on('message', ({ body, sealed, state }) => state === 'sent' && void told.push([body, sealed]))
  return told
}
const changesAt = (client: Sealing) => {
  const told: unknown[] = []
  client.e2ee.on('identity', (event) => void told.push(event))
  return told
}

it('a device is let in by its code; then both write, both read, and each has what the other wrote', async () => {
  await start({ e2ee: 'allowed' })
  const [alicePhone, aliceLaptop] = await both('alice')
  const [bobPhone, bobLaptop] = await both('bob')
  const copies = [own(aliceLaptop), own(bobPhone)]
  await alicePhone.send('bob', 'from the phone')
  await bobLaptop.send('alice', 'from the laptop')
  for (const client of [bobPhone, bobLaptop]) expect(await take(client, 1)).toEqual([['from the phone', true]])
  for (const client of [alicePhone, aliceLaptop]) expect(await take(client, 1)).toEqual([['from the laptop', true]])
  await expect
    .poll(() => copies, { timeout: 60_000 })
    .toEqual([[['from the phone', true]], [['from the laptop', true]]])
  const numbers = []
  for (const [client, peer] of [
    [alicePhone, 'bob'],
    [aliceLaptop, 'bob'],
    [bobPhone, 'alice'],
    [bobLaptop, 'alice'],
  ] as const) {
    const { safetyNumber, devices } = await client.e2ee.identity(peer)
    numbers.push(safetyNumber)
    expect(devices).toEqual(['phone', 'laptop'])
  }
  expect(new Set(numbers).size).toBe(1)
})

it('who talks with a user already writes to a device that comes, and not to one that was shut out', async () => {
  await start({ e2ee: 'allowed' })
  const [alice, bobPhone] = [await enter('alice', 'phone'), await enter('bob', 'phone')]
  await alice.send('bob', 'one')
  const { safetyNumber } = await alice.e2ee.identity('bob')
  await alice.e2ee.verify('bob', safetyNumber)
  const changes = changesAt(alice)
  const bobLaptop = await link('bob', bobPhone, 'laptop')
  await alice.send('bob', 'two')
  expect(await take(bobPhone, 2)).toEqual([
    ['one', true],
    ['two', true],
  ])
  expect(await take(bobLaptop, 1)).toEqual([['two', true]])
  expect(changes).toEqual([{ user: 'bob', why: 'device' }])
  expect(await alice.e2ee.identity('bob')).toMatchObject({ safetyNumber, verified: true, waits: false })
  const ended = new Promise((resolve) => bobPhone.on('connection', ({ is }) => is === 'closed' && resolve(is)))
  await bobLaptop.e2ee.remove('phone')
  await ended
  expect(bobPhone.connection).toMatchObject({ is: 'closed', code: 'removed' })
  await alice.send('bob', 'three')
  expect(await take(bobLaptop, 2)).toEqual([
    ['two', true],
    ['three', true],
  ])
  // The first device has left, so the number is another: that is told, and nothing waits for it.
  expect(changes.slice(1)).toEqual([{ user: 'bob', why: 'rotation' }])
  expect(await alice.e2ee.identity('bob')).toMatchObject({ devices: ['laptop'], verified: false, waits: false })
})

it('who hears of a change that the server withholds writes to no device, until the server shows it', async () => {
  await start({ e2ee: 'allowed' })
  let withholds = true
  const shown = (frame: ServerFrame): ServerFrame =>
    withholds && frame[0] === 'links' && frame[1] === 'bob' && frame[2] > 2
      ? ['links', frame[1], frame[2], 2, framed([])]
      : frame
  const toPhone: string[] = []
  const transport: Transport = (...given) => {
    const line = through(shown)(...given)
    const noted = (data: string | Uint8Array) => {
      for (const frame of jsonCodec.decode(data) as ClientFrame[])
        if (frame[0] === 'send' && typeof frame[3] !== 'string')
          for (const { device } of sentIn(frame[3], 100)?.parts ?? []) if (device === 'phone') toPhone.push(frame[1])
      line.send(data)
    }
    return { send: noted, close: (...why) => line.close(...why) }
  }
  const [phone, laptop] = await both('bob')
  const alice = await enter('alice', 'phone', memoryStorage(), transport)
  const first = await alice.send('bob', 'one')
  await phone.close()
  await laptop.e2ee.remove('phone')
  await laptop.send('alice', 'the phone is lost')
  expect(await take(alice, 1)).toEqual([['the phone is lost', true]])
  const changes = changesAt(alice)
  const { id } = await alice.queue('bob', 'two')
  await expect.poll(() => changes, { timeout: 60_000 }).toEqual([{ user: 'bob', why: 'withheld' }])
  expect((await alice.e2ee.identity('bob')).waits).toBe(true)
  withholds = false
  await alice.reached(id, 'sent')
  expect(toPhone).toEqual([first.id])
  expect(await take(laptop, 2)).toEqual([
    ['one', true],
    ['two', true],
  ])
})

it('the card of the other one verifies them, and finds a device that the server shows to one of the two only', async () => {
  await start({ e2ee: 'allowed' })
  let withholds = true
  const shown = (frame: ServerFrame): ServerFrame =>
    withholds && frame[0] === 'links' && frame[1] === 'bob' && frame[2] > 1
      ? ['links', frame[1], frame[2], 1, framed([])]
      : frame
  const alice = await enter('alice', 'phone', memoryStorage(), through(shown))
  const [carol, bob] = [await enter('carol', 'phone'), await enter('bob', 'phone')]
  expect((await alice.e2ee.identity('bob')).devices).toEqual(['phone'])
  const laptop = await enter('bob', 'laptop')
  await bob.e2ee.approve(await laptop.e2ee.code())
  const { card, safetyNumber } = await bob.e2ee.identity('alice')
  expect(card).toMatch(/^bluetick-number:[\w-]{100,300}$/)
  const other = (await carol.e2ee.identity('alice')).card
  const [cut, changed] = [card.slice(0, -9), card.replace(/...$/, 'AAA')]
  for (const wrong of [other, cut, 'bluetick-number:', `bluetick-number:${safetyNumber}`, 'two'])
    await expect(alice.e2ee.verify('bob', wrong)).rejects.toMatchObject({ code: 'bad_code' })
  await expect(alice.e2ee.verify('bob', card)).rejects.toMatchObject({ code: 'other_devices' })
  withholds = false
  await expect(alice.e2ee.verify('bob', changed)).rejects.toMatchObject({ code: 'other_devices' })
  expect(await alice.e2ee.identity('bob')).toMatchObject({ verified: false, waits: false })
  await alice.e2ee.verify('bob', card)
  expect(await alice.e2ee.identity('bob')).toMatchObject({ verified: true, devices: ['phone', 'laptop'] })
})

it('a device that the server shows to the other one only, and not to whose it is, is found by either of them', async () => {
  await start({ e2ee: 'allowed' })
  let hides = false
  const shown = (frame: ServerFrame): ServerFrame =>
    hides && frame[0] === 'links' && frame[1] === 'alice' && frame[2] > 2
      ? ['links', frame[1], frame[2], 2, framed([])]
      : frame
  const alice = await enter('alice', 'phone', memoryStorage(), through(shown))
  const [stolen, bob] = [await link('alice', alice, 'stolen'), await enter('bob', 'phone')]
  hides = true
  await link('alice', stolen, 'thief')
  const { card } = await bob.e2ee.identity('alice')
  await expect(alice.e2ee.verify('bob', card)).rejects.toMatchObject({ code: 'other_devices' })
  const { card: other } = await alice.e2ee.identity('bob')
  await expect(bob.e2ee.verify('alice', other)).rejects.toMatchObject({ code: 'other_devices' })
  hides = false
  await alice.e2ee.verify('bob', card)
  await bob.e2ee.verify('alice', (await alice.e2ee.identity('bob')).card)
  expect((await bob.e2ee.identity('alice')).verified).toBe(true)
})

it('a device that was shut out begins as a new one, when it is let in again', async () => {
  await start({ e2ee: 'allowed' })
  const storage = memoryStorage()
  const phone = await enter('bob', 'phone')
  const laptop = await enter('bob', 'laptop', storage)
  const code = await laptop.e2ee.code()
  await phone.e2ee.approve(code)
  await becomes(laptop, 'linked')
  await phone.e2ee.remove('laptop')
  await expect.poll(() => laptop.connection.is, { timeout: 60_000 }).toBe('closed')
  await laptop.close()
  const again = await enter('bob', 'laptop', storage)
  expect(await again.e2ee.place()).toBe('removed')
  await expect(again.send('alice', 'hi')).rejects.toMatchObject({ code: 'no_keys' })
  await expect(phone.e2ee.approve(code)).rejects.toMatchObject({ code: 'bad_keys' })
  const other = await again.e2ee.code()
  expect(other).not.toBe(code)
  await phone.e2ee.approve(other)
  await becomes(again, 'linked')
  const alice = await enter('alice', 'phone')
  await alice.send('bob', 'welcome back')
  expect(await take(again, 1)).toEqual([['welcome back', true]])
})

it('two devices that are let in at once by two others are both in', async () => {
  await start({ e2ee: 'allowed' })
  const [phone, laptop] = await both('bob')
  const [tablet, watch] = [await enter('bob', 'tablet'), await enter('bob', 'watch')]
  const codes = [await tablet.e2ee.code(), await watch.e2ee.code()] as const
  await Promise.all([phone.e2ee.approve(codes[0]), laptop.e2ee.approve(codes[1]), laptop.e2ee.approve(codes[0])])
  for (const client of [tablet, watch]) await becomes(client, 'linked')
  const known = async (of: Sealing) => (await of.e2ee.identity('bob')).devices.toSorted()
  for (const of of [phone, laptop, tablet, watch])
    await expect.poll(() => known(of), { timeout: 60_000 }).toEqual(['laptop', 'phone', 'tablet', 'watch'])
})

it('what one device did the others are told', async () => {
  await start({ e2ee: 'allowed' })
  const [phone, laptop] = await both('bob')
  const [atPhone, atLaptop] = [changesAt(phone), changesAt(laptop)]
  await link('bob', phone, 'tablet')
  await expect.poll(() => atLaptop, { timeout: 60_000 }).toEqual([{ user: 'bob', why: 'device' }])
  expect(atPhone).toEqual([])
})

it('a code is the same after a restart, and a device that was away when it was let in finds it out', async () => {
  await start({ e2ee: 'allowed' })
  const storage = memoryStorage()
  const phone = await enter('bob', 'phone')
  const laptop = await enter('bob', 'laptop', storage)
  const code = await laptop.e2ee.code()
  await laptop.close()
  await phone.e2ee.approve(code)
  const again = await enter('bob', 'laptop', storage)
  expect(await again.e2ee.place()).toBe('linked')
  expect(await again.e2ee.code()).toBe(code)
})

it('links that a server has lost, as it was put back, it gets from the devices that know them', async () => {
  const before = memoryStore()
  await start({ e2ee: 'allowed', store: before })
  const storage = memoryStorage()
  const phone = await enter('bob', 'phone')
  const first = await enter('bob', 'laptop', storage)
  await phone.e2ee.approve(await first.e2ee.code())
  await becomes(first, 'linked')
  // Durable, as with the next thing that the program does.
  await first.e2ee.verify('bob', (await first.e2ee.identity('bob')).safetyNumber)
  const [link] = await before.links('bob' as UserId, 1)
  await endAll()
  const store = memoryStore()
  await start({ e2ee: 'allowed', store })
  await store.addLink('bob' as UserId, 1, link ?? expect.fail('no link'))
  const laptop = await enter('bob', 'laptop', storage)
  expect(await laptop.e2ee.place()).toBe('linked')
  const alice = await enter('alice', 'phone')
  await alice.send('bob', 'hi')
  expect(await take(laptop, 1)).toEqual([['hi', true]])
  await laptop.send('alice', 'hello')
  expect(await take(alice, 1)).toEqual([['hello', true]])
})

it('only the code of a device of this user is taken, and only by a device that is in', async () => {
  await start({ e2ee: 'allowed' })
  const phone = await enter('bob', 'phone')
  const [laptop, tablet] = [await enter('bob', 'laptop'), await enter('bob', 'tablet')]
  const alice = await enter('alice', 'phone')
  const code = await laptop.e2ee.code()
  const changed = code.slice(0, 60) + (code[60] === 'A' ? 'B' : 'A') + code.slice(61)
  for (const wrong of ['', 'hello', code.slice(0, -20), changed])
    await expect(phone.e2ee.approve(wrong)).rejects.toMatchObject({ code: 'bad_code' })
  await expect(alice.e2ee.approve(code)).rejects.toMatchObject({ code: 'bad_code' })
  await expect(tablet.e2ee.approve(code)).rejects.toMatchObject({ code: 'unlinked' })
  await expect(phone.e2ee.remove('laptop')).rejects.toMatchObject({ code: 'unknown_device' })
  expect(await laptop.e2ee.place()).toBe('unlinked')
})

it('a chain that the server has made up is not believed, though the new device is in it', async () => {
  await start({ e2ee: 'allowed' })
  const phone = await enter('bob', 'phone')
  const storage = memoryStorage()
  const laptop = await enter('bob', 'laptop', storage)
  const code = await laptop.e2ee.code()
  await phone.e2ee.approve(code)
  await becomes(laptop, 'linked')
  // A device that has seen nothing yet, as the laptop was before.
  const fresh = memoryStorage()
  await fresh.write(new Map([...(await storage.load())].filter(([key]) => /^e2ee:(me|once)/.test(key))))
  await endAll()

  const store = memoryStore()
  await start({ e2ee: 'allowed', store })
  const said = codeIn(code) ?? expect.fail('no code')
  const seed = new Uint8Array(32).fill(7)
  const { public: by } = identityOf(seed)
  const owner = { realm: '', user: 'bob', device: 'phone' }
  const of = { user: 'bob', at: 0, remove: [], by } as const
  const add = [newAddition(owner, by, Uint8Array.of(1), seed)]
  const first = signedLink('', { ...of, kind: 'first', n: 1, previous: new Uint8Array(32), add }, seed)
  await store.addLink('bob' as UserId, 1, first)
  const { user: _, secret: __, ...addition } = said
  const second = { ...of, kind: 'change', n: 2, previous: hashOf(first), add: [addition] } as const
  // The server knows of no secret what the proof is to be made of.
  await store.addLink('bob' as UserId, 2, signedLink('', { ...second, proof: new Uint8Array(32) }, seed))
  const client = sealing('bob', { device: 'laptop', storage: fresh })
  const changes = changesAt(client)
  expect(await client.e2ee.place()).toBe('unlinked')
  expect(changes).toContainEqual({ user: 'bob', why: 'fork' })
  await expect(client.e2ee.identity('bob')).rejects.toMatchObject({ code: 'no_keys' })
  await expect(client.send('alice', 'hi')).rejects.toMatchObject({ code: 'no_keys' })
})
