/** What a node tells of a user's chats: to a device that is new, and to one that only counts. */
import { isDeepStrictEqual } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { liveChats } from '../../src/client/chats/index.ts'
import { type ChatInfo, type Client, connect, type Past } from '../../src/client/index.ts'
import { memoryStore } from '../../src/index.ts'
import { end, node, start, url } from './nodes.ts'

const clients: Client[] = []
const client = (token: string, device = 'phone') => {
  const made = connect({ url, token, device })
  clients.push(made)
  return made
}

afterEach(async () => {
  await Promise.all(clients.splice(0).map((made) => made.close()))
  await end()
})

it('tells what is unread on any device, what stands last, and what was noted', async () => {
  await start({ limits: { chatsMs: 1 } })
  const [alice, phone] = [client('alice'), client('bob')]
  for (const body of ['one', 'two', 'three']) await alice.send('bob', body)
  const team = await alice.createGroup('Team', ['bob'])
  await alice.send(team, 'to all')
  await alice.setLifetime(team, 'delivered 90000000')
  await phone.tag('alice', { pinned: 5 })
  const messages = phone.messages()
  const [first, second] = [(await messages.next()).value, (await messages.next()).value]
  expect([first.body, second.body]).toEqual(['one', 'two'])
  second.read()
  await alice.reached((await alice.outbox()).find(({ body }) => body === 'two')?.id ?? '', 'read')
  const laptop = client('bob', 'laptop')
  await expect
    .poll(async () =>
      (await laptop.chats()).map(({ id, unread, read, lifetime, tags }) => [id, unread, read, lifetime, tags]),
    )
    .toEqual([
      [team, 1, 0, 'delivered 90000000', {}],
      ['alice', 1, second.seq, 'default', { pinned: 5 }],
    ])
  const [group, chat] = await laptop.chats()
  expect([chat?.epoch, chat?.seq, group?.time]).toEqual([second.epoch, 3, expect.any(Number)])
  await laptop.send('alice', 'mine')
  expect((await phone.chats())[0]).toMatchObject({ id: 'alice', unread: 1 })
  await phone.delete('alice')
  expect((await laptop.chats()).map(({ id }) => id)).toEqual([team])
})

it('has nothing to tell of an inbox that is empty, and of what came from code the same', async () => {
  await start({ limits: { chatsMs: 1 } })
  const bob = client('bob')
  expect(await bob.chats()).toEqual([])
  await node.send({ from: 'shop', to: 'bob', body: 'Your parcel' })
  expect(await bob.chats()).toMatchObject([{ id: 'shop', unread: 1, seq: 1 }])
})

it('tells of a permanent chat when all of it has left the inbox, until it is deleted', async () => {
  const store = memoryStore()
  await start({ store, limits: { chatsMs: 1 } })
  const [alice, bob] = [client('alice'), client('bob')]
  await alice.setLifetime('bob', 'permanent')
  await alice.send('bob', 'one')
  await bob.tag('alice', { pinned: 3 })
  await node.send({ from: 'shop', to: 'bob', body: 'Your parcel' })
  expect((await bob.chats()).map(({ id, unread }) => [id, unread])).toEqual([
    ['shop', 1],
    ['alice', 1],
  ])
  while ((await store.expire(Date.now() + 31 * 86_400_000)).entries > 0);
  const [newest] = await bob.history('alice', { limit: 1 })
  const { epoch, seq, time } = newest as Past
  const listed = { id: 'alice', epoch, seq, time, unread: 0, read: 0, lifetime: 'permanent', tags: { pinned: 3 } }
  expect(await bob.chats()).toEqual([listed])
  expect((await liveChats(bob)).all).toEqual([listed])
  await alice.send('bob', 'two')
  expect(await bob.chats()).toMatchObject([{ id: 'alice', seq: seq + 2, unread: 1 }])
  await bob.delete('alice')
  expect(await bob.chats()).toEqual([])
})

describe('liveChats', () => {
  /** An own copy has the time at which it came to the own inbox, a moment later than the client was told that it is sent. */
  const timeless = (all: readonly ChatInfo[]) => all.map(({ time, ...rest }) => rest)

  /** A user's list as it becomes, and what the server says of it then. */
  async function live(made: Client) {
    const chats = await liveChats(made)
    const lists: (readonly ChatInfo[])[] = []
    const over = (async () => {
      for await (const all of chats) lists.push(all)
    })()
    const agrees = () =>
      expect
        .poll(async () => isDeepStrictEqual(timeless(chats.all), timeless(await made.chats())), { timeout: 60_000 })
        .toBe(true)
    return { chats, lists, over, agrees }
  }

  it('hears what comes, what is read, and what is noted, on any device, as the server has it', async () => {
    await start({ limits: { chatsMs: 1 } })
    const [alice, phone, laptop] = [client('alice'), client('bob'), client('bob', 'laptop')]
    await alice.send('bob', 'one')
    // Two devices, so that each hears what the other reads.
    await laptop.settings()
    const { chats, lists, agrees } = await live(phone)
    expect(chats.all).toMatchObject([{ id: 'alice', unread: 1, seq: 1 }])
    await alice.send('bob', 'two')
    await alice.setLifetime('bob', 'delivered 90000000')
    const team = await alice.createGroup('Team', ['bob'])
    await alice.send(team, 'to all')
    await agrees()
    expect(chats.all).toMatchObject([
      { id: team, unread: 1 },
      { id: 'alice', unread: 2, lifetime: 'delivered 90000000' },
    ])
    await laptop.tag('alice', { muted: Infinity, pinned: 7 })
    await phone.send('carol', 'mine')
    await agrees()
    expect(chats.all).toMatchObject([{ id: 'carol' }, { id: team }, { tags: { muted: Infinity, pinned: 7 } }])
    for await (const message of laptop.messages()) {
      message.read()
      if (message.body === 'to all') break
    }
    await agrees()
    expect(chats.all.map(({ unread }) => unread)).toEqual([0, 0, 0])
    expect(lists.length).toBeGreaterThan(4)
  })

  it('goes on over a connection that ends, and ends with its client', async () => {
    await start({ limits: { chatsMs: 1 } })
    const [alice, bob] = [client('alice'), client('bob')]
    await alice.send('bob', 'one')
    const { chats, over, agrees } = await live(bob)
    let told = 0
    chats.on('chats', () => {
      told += 1
    })
    expect(await node.disconnect('bob')).toBe(1)
    await node.send({ from: 'alice', to: 'bob', body: 'two' })
    await node.send({ from: 'shop', to: 'bob', body: 'three' })
    await expect
      .poll(() => chats.all.map(({ id, unread }) => [id, unread]), { timeout: 60_000 })
      .toEqual([
        ['shop', 1],
        ['alice', 2],
      ])
    await agrees()
    const reading = (async () => {
      for await (const message of bob.messages()) if (message.body === 'one') message.read()
    })()
    // How many of those that it was told of are read, only the server knows.
    await expect.poll(() => chats.all.map(({ unread }) => unread), { timeout: 60_000 }).toEqual([1, 1])
    await agrees()
    await bob.delete('shop')
    await chats.refresh()
    expect(chats.all.map(({ id }) => id)).toEqual(['alice'])
    expect(told).toBeGreaterThan(2)
    await bob.close()
    await Promise.all([over, reading])
    await expect(liveChats(bob)).rejects.toMatchObject({ code: 'closed' })
  })
})
