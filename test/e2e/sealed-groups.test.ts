/** Sealed groups: several devices of several users, over a real node, and wires on which the server lies. */
import { afterEach, expect, it } from 'vitest'
import type { GroupChange } from '../../src/client/e2ee/types.ts'
import { connect, memoryStorage, type Storage } from '../../src/client/index.ts'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import { isSealed } from '../../src/protocol/sealed.ts'
import { spoilt } from '../client/e2ee/spoilt.ts'
import { node, start, url } from './nodes.ts'
import { endAll, ending, type Given, letIn, type Sealing, sealing } from './sealing.ts'

afterEach(endAll)

type Got = { id: string; chat: string; from: string; body: unknown; change: unknown; sealed: unknown }
/** A device, which reads all that comes. */
class Device {
  readonly client: Sealing
  readonly got: Got[] = []
  readonly own: unknown[] = []
  readonly told: GroupChange[] = []
  readonly storage: Storage

  constructor(user: string, { storage = memoryStorage(), ...given }: Given = {}) {
    this.storage = storage
    this.client = sealing(user, { storage, ...given })
    this.client.e2ee.on('group', (event) => void this.told.push(event))
    this.client.on('message', ({ to, body, state, sealed }) => void this.own.push({ to, body, state, sealed }))
    void this.#read()
  }

  async #read(): Promise<void> {
    for await (const { id, chat, from, body, change, sealed } of this.client.messages())
      this.got.push({ id, chat, from, body, change, sealed })
  }

  /** The texts that it has read in a group, with who wrote them. */
  texts(group: string): string[] {
    return this.got.filter(({ chat, change }) => chat === group && !change).map(({ from, body }) => `${from}: ${body}`)
  }
}
async function enter(user: string, given: Given = {}): Promise<Device> {
  const device = new Device(user, given)
  await device.client.e2ee.place()
  return device
}
async function link(user: string, by: Device, given: Given): Promise<Device> {
  const device = await enter(user, given)
  await letIn(device.client, by.client)
  return device
}
const has = (device: Device, group: string, ...texts: string[]) =>
  expect.poll(() => device.texts(group), { timeout: 60_000 }).toEqual(texts)

it('what one writes to a group all devices of all its members read, and no server', async () => {
  const seen: [string, unknown][] = []
  await start({ e2ee: 'allowed', onAccepted: ({ to, body, change }) => void seen.push([to, change ?? body]) })
  const [alice, bob, carol] = [await enter('alice'), await enter('bob'), await enter('carol')]
  const laptop = await link('bob', bob, { device: 'laptop' })
  const tablet = await link('alice', alice, { device: 'tablet' })
  const group = await alice.client.createGroup('team', ['bob', 'carol'])
  expect(group).toMatch(/^#sealed-/)
  const sent = await alice.client.send(group, 'hello all')
  expect(sent.sealed).toBe(true)
  for (const device of [bob, laptop, carol]) await has(device, group, 'alice: hello all')
  await expect
    .poll(() => tablet.own, { timeout: 60_000 })
    .toContainEqual({ to: group, body: 'hello all', state: 'sent', sealed: true })
  await laptop.client.send(group, new Uint8Array([1, 2]))
  for (const device of [alice, tablet, carol])
    await has(device, group, ...(device === carol ? ['alice: hello all'] : []), 'bob: 1,2')
  const devices = [alice, tablet, bob, laptop, carol]
  for (const device of devices) {
    expect(device.client.unread).toEqual([])
    expect(device.told).toEqual([])
    expect(device.got.every(({ sealed }) => sealed === true)).toBe(true)
    expect(await device.client.e2ee.group(group)).toEqual({
      members: ['alice', 'bob', 'carol'],
      unsealed: [],
      without: [],
    })
  }
  expect(carol.got[0]).toMatchObject({ from: 'alice', body: 'bob\ncarol', change: 'add' })
  await alice.client.reached(sent.id, 'delivered', { timeout: 60_000 })
  const bodies = seen.flatMap(([to, body]) => (to === group ? [body] : []))
  expect(bodies.slice(0, 2)).toEqual(['create', 'add'])
  expect(bodies.slice(2).every((body) => body instanceof Uint8Array && isSealed(body))).toBe(true)
})

it('who is added reads what follows, who is removed nothing more, and each says so to all', async () => {
  await start({ e2ee: 'allowed' })
  const [alice, bob, carol] = [await enter('alice'), await enter('bob'), await enter('carol')]
  const group = await alice.client.createGroup('team', ['bob'])
  await alice.client.send(group, 'before')
  await alice.client.send(group, 'carol', { change: 'add' })
  await alice.client.send(group, 'with carol')
  await has(bob, group, 'alice: before', 'alice: with carol')
  await has(carol, group, 'alice: with carol')
  await carol.client.send(group, 'hi')
  await has(bob, group, 'alice: before', 'alice: with carol', 'carol: hi')
  await alice.client.send(group, 'carol', { change: 'remove' })
  await bob.client.send(group, 'without carol')
  await has(alice, group, 'carol: hi', 'bob: without carol')
  await expect(carol.client.send(group, 'still here?')).rejects.toMatchObject({ code: 'not_a_member' })
  expect(carol.texts(group)).toEqual(['alice: with carol'])
  await bob.client.send(group, '', { change: 'leave' })
  await expect.poll(async () => (await alice.client.e2ee.group(group)).members, { timeout: 60_000 }).toEqual(['alice'])
  for (const { client, told } of [alice, bob, carol]) expect([client.unread, told]).toEqual([[], []])
})

it('whom the server adds by itself is named by each member, and given nothing', async () => {
  await start({ e2ee: 'allowed' })
  const [alice, bob, mallory] = [await enter('alice'), await enter('bob'), await enter('mallory')]
  const group = await alice.client.createGroup('team', ['bob'])
  await has(bob, group)
  await node.changeGroup({ by: 'alice', group, change: 'add', value: 'mallory' })
  const named = { group, why: 'unsealed', users: ['mallory'] }
  await expect.poll(() => [alice.told, bob.told], { timeout: 60_000 }).toEqual([[named], [named]])
  await alice.client.send(group, 'between us')
  await has(bob, group, 'alice: between us')
  await expect.poll(() => mallory.client.unread.map(({ why }) => why), { timeout: 60_000 }).toContain('no_part')
  expect(mallory.texts(group)).toEqual([])
  expect(await bob.client.e2ee.group(group)).toMatchObject({ members: ['alice', 'bob'], unsealed: ['mallory'] })
  // One who was in it, and whom the server brings back.
  await bob.client.send(group, '', { change: 'leave' })
  await node.changeGroup({ by: 'alice', group, change: 'add', value: 'bob' })
  await bob.client.send(group, '', { change: 'join' })
  await expect.poll(() => alice.told.flatMap(({ users }) => users), { timeout: 60_000 }).toContain('bob')
  await alice.client.send(group, 'alone')
  await expect.poll(() => bob.client.unread.map(({ why }) => why), { timeout: 60_000 }).toContain('no_part')
  expect(bob.texts(group)).toEqual(['alice: between us'])
})

it('a sealed change by a member who is no admin is told, changes nothing, and is handed to nobody as made', async () => {
  await start({ e2ee: 'allowed' })
  const [alice, bob, carol] = [await enter('alice'), await enter('bob'), await enter('carol')]
  const mallory = await enter('mallory')
  const group = await alice.client.createGroup('team', ['bob', 'carol'])
  await expect.poll(() => carol.got.length).toBeGreaterThan(0)
  // A server that takes Carol for an admin, whom none has made one.
  await node.changeGroup({ by: 'alice', group, change: 'promote', value: 'carol' })
  await carol.client.send(group, 'mallory', { change: 'add' })
  const refused = { group, why: 'refused', users: ['carol'] }
  for (const device of [alice, bob]) await expect.poll(() => device.told, { timeout: 60_000 }).toContainEqual(refused)
  await alice.client.send(group, 'between us')
  await has(bob, group, 'alice: between us')
  await expect.poll(() => mallory.client.unread.map(({ why }) => why), { timeout: 60_000 }).toContain('no_part')
  for (const { got, client } of [alice, bob])
    expect([got.filter(({ change, body }) => change === 'add' && body === 'mallory'), client.unread]).toEqual([[], []])
  expect((await bob.client.e2ee.group(group)).members).toEqual(['alice', 'bob', 'carol'])
  // It is over: neither told nor asked for again by who comes back.
  await bob.client.close()
  const again = await enter('bob', { storage: bob.storage })
  await alice.client.send(group, 'still between us')
  await has(again, group, 'alice: still between us')
  expect([again.told.filter(({ why }) => why === 'refused'), again.client.unread]).toEqual([[], []])
})

it('the name of a group that somebody is asked into is of the server, and does not pass for sealed', async () => {
  await start({ e2ee: 'allowed' })
  const [alice, bob] = [await enter('alice'), await enter('bob')]
  await bob.client.set({ groups: 'nobody' })
  const group = await alice.client.createGroup('team', ['bob'])
  await expect
    .poll(() => bob.got, { timeout: 60_000 })
    .toMatchObject([{ change: 'invite', body: 'team', from: 'alice' }])
  expect(bob.got[0]?.sealed).not.toBe(true)
  await bob.client.send(group, '', { change: 'join' })
  await alice.client.send(group, 'welcome')
  await has(bob, group, 'alice: welcome')
  expect(bob.got.find(({ body }) => body === 'welcome')?.sealed).toBe(true)
})

it('a device that is new reads what comes then, and writes when another has told it who is in the group', async () => {
  await start({ e2ee: 'allowed' })
  const [alice, bob] = [await enter('alice'), await enter('bob')]
  const group = await alice.client.createGroup('team', ['bob'])
  await alice.client.send(group, 'one')
  await has(bob, group, 'alice: one')
  const laptop = await link('bob', bob, { device: 'laptop' })
  // The first send names the devices of before: the server says that there are others.
  await alice.client.send(group, 'two')
  await has(laptop, group, 'alice: two')
  expect((await laptop.client.send(group, 'three')).sealed).toBe(true)
  await has(alice, group, 'bob: three')
  await has(bob, group, 'alice: one', 'alice: two')
  expect(laptop.told).toEqual([])
})

it('a device that does not know who is in a group asks others where its own are lost: the admins, and then the members', async () => {
  await start({ e2ee: 'allowed' })
  const [alice, bob, carol] = [await enter('alice'), await enter('bob'), await enter('carol')]
  const group = await alice.client.createGroup('team', ['bob', 'carol'])
  await expect.poll(() => carol.got.length).toBeGreaterThan(0)
  const [laptop, tablet] = [await link('bob', bob, { device: 'laptop' }), await link('bob', bob, { device: 'tablet' })]
  await bob.client.close()
  await tablet.client.close()
  expect((await laptop.client.send(group, 'an admin knows')).sealed).toBe(true)
  await laptop.client.close()
  await alice.client.close()
  const again = await enter('bob', { device: 'tablet', storage: tablet.storage })
  expect((await again.client.send(group, 'a member knows')).sealed).toBe(true)
  await has(carol, group, 'bob: an admin knows', 'bob: a member knows')
})

it('what cannot be read in a group is asked for again, a change too', async () => {
  await start({ e2ee: 'allowed' })
  const [alice, bob] = [await enter('alice'), await enter('bob', { changed: (frame) => spoilt(frame) })]
  const group = await alice.client.createGroup('team', ['bob'])
  const { id } = await alice.client.send(group, 'hello')
  await has(bob, group, 'alice: hello')
  expect(bob.client.unread.find((one) => one.id === id)).toMatchObject({
    id,
    chat: group,
    from: 'alice',
    why: 'bad_tag',
    retrying: true,
  })
  await bob.client.send(group, 'there you are')
  await has(alice, group, 'bob: there you are')
  expect(bob.got.map(({ sealed }) => sealed)).toEqual([true, true])
})

it('nothing goes to a sealed group that is not sealed, and nothing else passes for its messages', async () => {
  await start({ e2ee: 'allowed' })
  const changed = (frame: ServerFrame) => {
    if (frame[0] !== 'message' || !frame[7]?.group || frame[7].change) return frame
    return Object.assign([...frame], { 5: 'pay Mallory' }) as unknown as ServerFrame
  }
  const [alice, bob] = [await enter('alice'), await enter('bob', { changed })]
  const plain = ending(connect({ url, token: 'carol' }))
  const group = await alice.client.createGroup('team', ['bob', 'carol'])
  await expect(plain.send(group, 'hi')).rejects.toMatchObject({ code: 'not_sealed' })
  await alice.client.send(group, 'hello')
  await expect.poll(() => bob.client.unread.map(({ why }) => why), { timeout: 60_000 }).toEqual(['plaintext'])
  expect(bob.texts(group)).toEqual([])
  expect(await alice.client.e2ee.group(group)).toMatchObject({ without: ['carol'] })
})

it('what is written at once after somebody was added is for them, too', async () => {
  await start({ e2ee: 'allowed' })
  const [alice, bob, carol] = [await enter('alice'), await enter('bob'), await enter('carol')]
  const group = await alice.client.createGroup('team', ['bob'])
  await has(bob, group)
  await expect.poll(() => bob.got.length, { timeout: 60_000 }).toBe(1)
  const texts = [alice.client.send(group, 'carol', { change: 'add' }), alice.client.send(group, 'hello')]
  await Promise.all(texts)
  await has(carol, group, 'alice: hello')
  expect(carol.client.unread).toEqual([])
})

it('with people who have no keys a group is made as it is, where plain text goes to those', async () => {
  await start({ e2ee: 'allowed' })
  const [alice] = [await enter('alice', { plaintext: 'keyless' }), await enter('bob')]
  expect(await alice.client.createGroup('sealed', ['bob'])).toMatch(/^#sealed-/)
  const plain = await alice.client.createGroup('open', ['bob', 'carol'])
  expect(plain).not.toMatch(/^#sealed-/)
  expect((await alice.client.send(plain, 'hi')).sealed).toBeUndefined()
})

it('groups of more than 128 are not sealed, and say so; one that is does not grow beyond', async () => {
  await start({ e2ee: 'allowed' })
  const alice = await enter('alice')
  const names = Array.from({ length: 128 }, (_, n) => `user ${n}`)
  const large = await alice.client.createGroup('all', names)
  expect(large).not.toMatch(/^#sealed-/)
  expect((await alice.client.send(large, 'hi')).sealed).toBeUndefined()
  const group = await alice.client.createGroup('most', names.slice(1))
  expect((await alice.client.send(group, 'hi')).sealed).toBe(true)
  await expect(alice.client.send(group, 'one more', { change: 'add' })).rejects.toMatchObject({
    code: 'too_many_members',
  })
})
