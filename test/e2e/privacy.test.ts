/** Blocking and privacy, with the SDK and a node. */
import { afterEach, describe, expect, it } from 'vitest'
import { type Client, connect, type Presence, type Settings } from '../../src/client/index.ts'
import { createNode, memoryStore, type NodeOptions } from '../../src/index.ts'

const store = memoryStore()
let node: ReturnType<typeof createNode>
let url: string
const clients: Client[] = []
async function start(options: Omit<NodeOptions, 'store'> = {}): Promise<void> {
  node = createNode({ store, onlineMs: 0, ...options })
  url = (await node.listen({ port: 0 })).url
}
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  await node.close()
})
let test = 0
/** A name of this test alone. */
const name = (user: string) => `${user}-${test}`
function enter(user: string, device = 'phone'): Client {
  const client = connect({ url, token: name(user), device })
  clients.push(client)
  return client
}
function watching(client: Client, user: string): (Presence | undefined)[] {
  const seen: Presence[] = []
  client.watch(name(user), (presence) => seen.push(presence))
  return seen
}

describe('blocking', () => {
  it('refuses the messages of who is blocked, and takes them again after', async () => {
    test += 1
    await start()
    const [alice, bob] = [enter('alice'), enter('bob')]
    await bob.block(name('alice'))
    await expect(alice.send(name('bob'), 'one')).rejects.toMatchObject({ code: 'blocked' })
    await expect(node.send({ from: name('alice'), to: name('bob'), body: 'two' })).rejects.toMatchObject({
      code: 'blocked',
    })
    await bob.unblock(name('alice'))
    expect(await alice.send(name('bob'), 'three')).toMatchObject({ state: 'sent' })
    for await (const { body } of bob.messages()) {
      expect(body).toBe('three')
      break
    }
  })

  it('swallows them where the node is set so: sent, and never delivered', async () => {
    test += 1
    await start({ blocked: 'swallowed' })
    const [alice, bob] = [enter('alice'), enter('bob')]
    await bob.block(name('alice'))
    const swallowed = await alice.send(name('bob'), 'one')
    await bob.unblock(name('alice'))
    const taken = bob.messages()
    const after = await alice.send(name('bob'), 'two')
    expect((await taken.next()).value).toMatchObject({ body: 'two' })
    void taken.next()
    await alice.reached(after.id, 'delivered')
    expect((await alice.outbox()).find(({ id }) => id === swallowed.id)?.state).toBe('sent')
  })

  it('takes messages of contacts only, or of nobody', async () => {
    test += 1
    await start()
    const [alice, bob] = [enter('alice'), enter('bob')]
    await bob.set({ writers: 'contacts' })
    await expect(alice.send(name('bob'), 'one')).rejects.toMatchObject({ code: 'not_taken' })
    await bob.addContact(name('alice'))
    await alice.send(name('bob'), 'two')
    await bob.set({ writers: 'nobody' })
    await expect(alice.send(name('bob'), 'three')).rejects.toMatchObject({ code: 'not_taken' })
  })
})

describe('presence', () => {
  it('is hidden from who is blocked and by who hides, both ways, at once', async () => {
    test += 1
    await start()
    const [alice, bob] = [enter('alice'), enter('bob')]
    const [seen, back] = [watching(alice, 'bob'), watching(bob, 'alice')]
    await expect.poll(() => [seen.at(-1), back.at(-1)]).toEqual([{ online: true }, { online: true }])
    await bob.block(name('alice'))
    await expect.poll(() => [seen.at(-1), back.at(-1)]).toEqual([{ online: false }, { online: false }])
    await bob.unblock(name('alice'))
    await expect.poll(() => [seen.at(-1), back.at(-1)]).toEqual([{ online: true }, { online: true }])
    await bob.set({ lastSeen: 'contacts' })
    await expect.poll(() => [seen.at(-1), back.at(-1)]).toEqual([{ online: false }, { online: false }])
    await bob.addContact(name('alice'))
    await expect.poll(() => [seen.at(-1), back.at(-1)]).toEqual([{ online: true }, { online: true }])
  })
})

describe('receipts', () => {
  it('are not told by who has none, nor to them', async () => {
    test += 1
    await start()
    const [alice, bob] = [enter('alice'), enter('bob')]
    await bob.set({ receipts: false })
    for (const client of [alice, bob])
      void (async () => {
        for await (const message of client.messages()) message.read()
      })()
    const [toBob, toAlice] = [await alice.send(name('bob'), 'one'), await bob.send(name('alice'), 'two')]
    await Promise.all([alice.reached(toBob.id, 'delivered'), bob.reached(toAlice.id, 'delivered')])
    // Whatever would be told of reading is told before this comes: it is an entry after it.
    await alice.reached((await alice.send(name('bob'), 'three')).id, 'delivered')
    await bob.reached((await bob.send(name('alice'), 'four')).id, 'delivered')
    for (const client of [alice, bob])
      expect((await client.outbox()).map(({ state }) => state)).toEqual(['delivered', 'delivered'])
    await bob.set({ receipts: true })
    await alice.reached((await alice.send(name('bob'), 'five')).id, 'read')
    await bob.reached((await bob.send(name('alice'), 'six')).id, 'read')
  })
})

describe('settings', () => {
  it('are the same on all devices, and there again after a restart of the node', async () => {
    test += 1
    await start()
    const [phone, laptop] = [enter('bob'), enter('bob', 'laptop')]
    const told: Settings[] = []
    laptop.on('settings', (settings) => told.push(settings))
    expect(await laptop.settings()).toEqual({
      lastSeen: 'everyone',
      writers: 'everyone',
      groups: 'everyone',
      receipts: true,
      blocked: [],
      contacts: [],
      lifetime: 'default',
      lifetimes: new Map(),
      tags: new Map(),
    })
    await phone.set({ lastSeen: 'nobody', groups: 'contacts', receipts: false })
    await phone.addContact('ann')
    await phone.addContact('ben')
    await phone.block('eve')
    await phone.removeContact('ann')
    await Promise.all([phone.tag('eve', { muted: 5, pinned: 6 }), laptop.tag('eve', { archived: 7, pinned: null })])
    await phone.tag('#team', { muted: Number.POSITIVE_INFINITY, name: 'the team' })
    const choices = { lastSeen: 'nobody', writers: 'everyone', groups: 'contacts', receipts: false } as const
    const tags = new Map<string, object>([
      ['eve', { muted: 5, archived: 7 }],
      ['#team', { muted: Number.POSITIVE_INFINITY, name: 'the team' }],
    ])
    const lists = { blocked: ['eve'], contacts: ['ben'] }
    const last = { ...choices, ...lists, lifetime: 'default', lifetimes: new Map(), tags }
    await expect.poll(() => told.at(-1)).toEqual(last)
    for (const client of clients.splice(0)) await client.close()
    await node.close()
    await start()
    expect(await enter('bob', 'tablet').settings()).toEqual(last)
  })

  it('hold only so many users', async () => {
    test += 1
    await start({ limits: { listed: 1 } })
    const bob = enter('bob')
    await bob.block('ann')
    await expect(bob.block('ben')).rejects.toMatchObject({ code: 'list_full' })
    await bob.tag('ann', { muted: 1 })
    await expect(bob.tag('ben', { muted: 1 })).rejects.toMatchObject({ code: 'list_full' })
    await expect(bob.tag('ann', { Muted: 1 })).rejects.toMatchObject({ code: 'bad_frame' })
  })
})
