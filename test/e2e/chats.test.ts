/** What a node tells of a user's chats: to a device that is new, and to one that only counts. */
import { afterEach, expect, it } from 'vitest'
import { type Client, connect } from '../../src/client/index.ts'
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
