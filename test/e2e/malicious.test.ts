/** A server that lies, lie by lie: no text leaves for it, and none is shown as somebody's who did not write it. The server is a node, and what it says is changed on its way. */
import { afterEach, describe, expect, it } from 'vitest'
import { plainPrimitives } from '../../src/client/e2ee/plain.ts'
import { newKeyPair } from '../../src/client/e2ee/primitives.ts'
import { identityOf } from '../../src/client/e2ee/x3dh.ts'
import type { Transport } from '../../src/client/transport.ts'
import { createNode, memoryStore } from '../../src/index.ts'
import type { ClientFrame, ServerFrame } from '../../src/protocol/frames.ts'
import { jsonCodec } from '../../src/protocol/json.ts'
import { bundlesBytes, bundlesIn, type ServedBundle } from '../../src/protocol/keys/bundles.ts'
import { framed, unframed } from '../../src/protocol/keys/bytes.ts'
import { hashOf, newAddition, signedLink } from '../../src/protocol/keys/link.ts'
import { body as bodyOf, forms, toldIn } from '../../src/protocol/keys/parts.ts'
import { prekeyStatement } from '../../src/protocol/keys/prekeys.ts'
import { sign } from '../../src/protocol/keys/signing.ts'
import { isQuiet, isSealed } from '../../src/protocol/sealed.ts'
import { through } from '../client/e2ee/spoilt.ts'
import { start } from './nodes.ts'
import { closeClients, endAll, type Given, reading } from './sealing.ts'

const patient = { timeout: 60_000 }
afterEach(endAll)

/** What a client says, as the server has it. */
const said: ClientFrame[] = []
async function enter(user: string, given: Given = {}) {
  const { changed = (frame) => frame, transport: by = through(changed), ...rest } = given
  const transport: Transport = (...to) => {
    const line = by(...to)
    const send = (data: string | Uint8Array) => {
      said.push(...(jsonCodec.decode(data) as ClientFrame[]))
      line.send(data)
    }
    return { send, close: (...why) => line.close(...why) }
  }
  const told: string[] = []
  const device = await reading(user, { ...rest, transport }, ({ chat, from, body, sealed }) => {
    return `${chat} ${from} ${sealed}: ${body}`
  })
  device.client.e2ee.on('identity', ({ user, why }) => void told.push(`${user}: ${why}`))
  return { ...device, told }
}
/** No text of a person has left as it is. */
const nothingLeft = () =>
  expect(said.filter((frame) => frame[0] === 'send' && !isSealed(frame[3])).map((frame) => frame[3])).toEqual([])
const withItems = (frame: ServerFrame, items: Record<number, unknown>) =>
  Object.assign([...frame], items) as unknown as ServerFrame

const thief = identityOf(new Uint8Array(32).fill(7))
const suites = Uint8Array.of(1)
const owner = { realm: '', user: 'bob', device: 'phone' }
async function prekeyOf(by = thief) {
  const unsigned = { number: 1, key: (await newKeyPair(plainPrimitives)).public, suites }
  return { ...unsigned, signature: sign(prekeyStatement(owner, unsigned), by.seed) }
}

describe('a bundle', async () => {
  const mine = await prekeyOf()
  it.each<[string, (served: ServedBundle) => ServedBundle]>([
    [
      'of another device, which the chain does not have',
      () => ({ identity: thief.public, signed: mine, once: undefined }),
    ],
    ['with a prekey that another has signed', (served) => ({ ...served, signed: mine })],
    [
      'with another prekey under the same signature',
      ({ signed, ...served }) => ({ ...served, signed: { ...signed, key: mine.key } }),
    ],
    ['with another number', ({ signed, ...served }) => ({ ...served, signed: { ...signed, number: 2 } })],
    ['without the suite', ({ signed, ...served }) => ({ ...served, signed: { ...signed, suites: Uint8Array.of(9) } })],
    ['with a key of low order', (served) => ({ ...served, once: { number: 1, key: new Uint8Array(32) } })],
  ])('%s is used for nothing', async (_, lie) => {
    said.length = 0
    await start({ e2ee: 'allowed' })
    const changed = (frame: ServerFrame) =>
      frame[0] === 'bundles' ? withItems(frame, { 3: bundlesBytes((bundlesIn(frame[3]) ?? []).map(lie)) }) : frame
    await enter('bob')
    const alice = await enter('alice', { changed, plaintext: 'keyless' })
    await expect(alice.client.send('bob', 'a secret')).rejects.toMatchObject({ code: 'no_keys' })
    nothingLeft()
  })

  it('with a prekey for one use that is the server’s own opens nothing for it: the message is said again, and read', async () => {
    await start({ e2ee: 'allowed' })
    let lies = 1
    const changed = (frame: ServerFrame) => {
      if (frame[0] !== 'bundles' || lies-- < 1) return frame
      const served = (bundlesIn(frame[3]) ?? []).map((one) => ({ ...one, once: { number: 1, key: mine.key } }))
      return withItems(frame, { 3: bundlesBytes(served) })
    }
    const [bob, alice] = [await enter('bob'), await enter('alice', { changed })]
    await alice.client.send('bob', 'a secret')
    await expect.poll(() => bob.got, patient).toEqual(['alice alice true: a secret'])
    expect(bob.unread).toMatchObject([{ retrying: true }])
  })
})

describe('a chain', () => {
  it('to which the server adds a device of its own is not followed there', async () => {
    said.length = 0
    await start({ e2ee: 'allowed' })
    let first: Uint8Array | undefined
    const changed = (frame: ServerFrame) => {
      if (frame[0] !== 'links' || frame[1] !== 'bob') return frame
      const links = unframed(frame[4]) ?? []
      first ??= links[0]
      const previous = hashOf(first ?? new Uint8Array(0))
      const add = [newAddition({ ...owner, device: 'thief' }, thief.public, suites, thief.seed)]
      const link = { kind: 'change', user: 'bob', n: 2, previous, at: 0, add, remove: [], by: thief.public } as const
      return withItems(frame, { 3: 2, 4: framed([...links, signedLink('', link, thief.seed)]) })
    }
    const [bob, alice] = [await enter('bob'), await enter('alice', { changed })]
    expect((await alice.client.e2ee.identity('bob')).devices).toEqual(['phone'])
    await alice.client.send('bob', 'for Bob alone')
    await expect.poll(() => bob.got, patient).toHaveLength(1)
    nothingLeft()
  })

  it('that is rolled back, or said to be none, stays as it was seen: nothing goes to who was shut out, and nothing as it is', async () => {
    said.length = 0
    await start({ e2ee: 'allowed' })
    let most = Number.POSITIVE_INFINITY
    const changed = (frame: ServerFrame) => {
      if (frame[0] === 'bundles' && most === 0)
        return ['error', 'no_keys', 'claim', frame[1], 0, ''] as unknown as ServerFrame
      return frame[0] === 'links' && frame[1] === 'bob'
        ? withItems(frame, { 3: Math.min(frame[3], most), 4: frame[2] > most ? framed([]) : frame[4] })
        : frame
    }
    const bob = await enter('bob')
    const laptop = await enter('bob', { device: 'laptop' })
    await bob.client.e2ee.approve(await laptop.client.e2ee.code())
    await expect.poll(() => laptop.client.e2ee.place(), patient).toBe('linked')
    await bob.client.e2ee.remove('laptop')
    const alice = await enter('alice', { changed, plaintext: 'keyless' })
    await alice.client.send('bob', 'one')
    for (most of [2, 0]) {
      await alice.client.send('bob', `with ${most}`)
      expect((await alice.client.e2ee.identity('bob')).devices).toEqual(['phone'])
    }
    await expect.poll(() => bob.got, patient).toHaveLength(3)
    expect(laptop.got).toEqual([])
    nothingLeft()
  })
})

it('a message under another id, in another chat, from another device, as an own one, or twice is not shown', async () => {
  await start({ e2ee: 'allowed' })
  const lies: ((frame: ServerFrame, told: NonNullable<ReturnType<typeof toldIn>>) => ServerFrame)[] = [
    (frame) => withItems(frame, { 2: '01890a5d-ac96-774b-bcce-000000000001' }),
    (frame) => withItems(frame, { 7: { group: '#sealed-other', epoch: 1, at: 1 } }),
    (frame, { part }) =>
      withItems(frame, { 5: bodyOf({}, forms.told, 'laptop', Uint8Array.of(part?.type ?? 0, ...(part?.bytes ?? []))) }),
    (frame) => withItems(frame, { 3: 'carol' }),
    (frame) => ['copy', frame[1], frame[2], 'alice', 0, frame[5], 1, 1] as unknown as ServerFrame,
  ]
  let lie: (typeof lies)[number] | undefined
  const changed = (frame: ServerFrame) => {
    if (frame[0] !== 'message' || !isSealed(frame[5]) || isQuiet(frame[5])) return frame
    const [told, next] = [toldIn(frame[5]), lie]
    lie = undefined
    return (told && next?.(frame, told)) ?? frame
  }
  const [alice, bob] = [await enter('alice'), await enter('bob', { device: 'desk', changed })]
  await enter('carol')
  for (const [n, next] of lies.entries()) {
    lie = next
    await alice.client.send('bob', `secret ${n}`)
    await expect.poll(() => bob.unread.length, patient).toBeGreaterThan(n)
  }
  await alice.client.send('bob', 'the last')
  await expect.poll(() => bob.got.at(-1), patient).toBe('alice alice true: the last')
  expect(bob.got.filter((one) => !one.startsWith('alice alice true: '))).toEqual([])
  expect(new Set(bob.got).size).toBe(bob.got.length)
})

it('what is held back, and comes in another order and twice, is shown once each, when it comes', async () => {
  await start({ e2ee: 'allowed' })
  const held: ServerFrame[] = []
  let release = (_: readonly ServerFrame[]) => {}
  let isHolding = true
  const late: Transport = (at, subprotocol, events) => {
    release = (frames) => events.heard(jsonCodec.encode(frames))
    const changed = (frame: ServerFrame) => (isHolding && frame[0] === 'message' ? void held.push(frame) : frame)
    return through(changed)(at, subprotocol, events)
  }
  const [alice, bob] = [await enter('alice'), await enter('bob', { transport: late })]
  for (const n of [0, 1, 2, 3]) await alice.client.send('bob', `message ${n}`)
  await expect.poll(() => held.length, patient).toBe(4)
  isHolding = false
  const order = [2, 0, 2, 3, 1, 0].map((n) => held[n] as ServerFrame)
  release(order.map((frame, at) => withItems(frame, { 1: at + 1 })))
  await expect.poll(() => bob.got.length, patient).toBe(4)
  expect(bob.got).toEqual([2, 0, 3, 1].map((n) => `alice alice true: message ${n}`))
  expect(bob.unread).toEqual([])
})

it('one face for each of two people, with somebody between who reads all: nothing shows it but the numbers, which differ', async () => {
  const faces = await Promise.all(
    [0, 1].map(async () => {
      const node = createNode({ store: memoryStore(), e2ee: 'allowed' })
      return { node, url: (await node.listen({ port: 0 })).url }
    }),
  )
  await start({ e2ee: 'allowed' })
  const [one = '', other = ''] = faces.map(({ url }) => url)
  const [alice, falseBob] = [await enter('alice', { at: one }), await enter('bob', { at: one })]
  const [falseAlice, bob] = [await enter('alice', { at: other }), await enter('bob', { at: other })]
  await alice.client.send('bob', 'a secret')
  await expect.poll(() => falseBob.got, patient).toEqual(['alice alice true: a secret'])
  await falseAlice.client.send('bob', 'a secret')
  await expect.poll(() => bob.got, patient).toEqual(['alice alice true: a secret'])
  expect([...alice.told, ...bob.told, ...alice.unread, ...bob.unread]).toEqual([])
  const [hers, his] = [await alice.client.e2ee.identity('bob'), await bob.client.e2ee.identity('alice')]
  expect(hers.safetyNumber).not.toBe(his.safetyNumber)
  await expect(alice.client.e2ee.verify('bob', his.safetyNumber)).rejects.toMatchObject({ code: 'other_number' })
  await expect(bob.client.e2ee.verify('alice', hers.card)).rejects.toMatchObject({ code: 'other_number' })
  await closeClients()
  for (const { node } of faces) await node.close()
})
