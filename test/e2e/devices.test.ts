/** Several devices of one user, with the SDK and a node. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { openBook } from '../../src/client/chats/index.ts'
import { type Client, type ConnectOptions, connect, memoryStorage } from '../../src/client/index.ts'
import { createNode, lmdbStore, memoryStore, type NodeOptions } from '../../src/index.ts'

let node: ReturnType<typeof createNode>
let url: string
const clients: Client[] = []
async function start(options: Partial<NodeOptions> = {}): Promise<void> {
  node = createNode({ store: memoryStore(), ...options })
  url = (await node.listen({ port: 0 })).url
}
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  await node.close()
})
function enter(user: string, device = 'phone', options: Partial<ConnectOptions> = {}): Client {
  const client = connect({ url, token: user, device, ...options })
  clients.push(client)
  return client
}
const online = (client: Client) => expect.poll(() => client.connection.is).toBe('online')

it('what one reads is read on the others, at once and when they come back', async () => {
  await start()
  const storage = memoryStorage()
  const [phone, laptop, tablet] = [enter('bob'), enter('bob', 'laptop'), enter('bob', 'tablet', { storage })]
  for (const client of [phone, laptop, tablet]) await online(client)
  await tablet.close()
  const seen: object[] = []
  laptop.on('seen', (event) => seen.push(event))
  const alice = enter('alice')
  const message = await alice.send('bob', 'hi')
  for await (const incoming of phone.messages()) {
    incoming.read()
    break
  }
  const event = { chat: 'alice', epoch: message.at?.epoch, seq: message.at?.seq }
  await expect.poll(() => seen[0]).toEqual(event)
  await alice.reached(message.id, 'read')
  // The entry, about a second after the news.
  await expect.poll(() => seen).toEqual([event, event])
  const back = enter('bob', 'tablet', { storage: await copyOf(storage) })
  const missed: object[] = []
  back.on('seen', (event) => missed.push(event))
  await expect.poll(() => missed).toEqual([event])
})

it('what was read before a device came is read there, also when the node has been stopped meanwhile', async () => {
  const path = mkdtempSync(join(tmpdir(), 'bluetick-devices-'))
  await start({ store: lmdbStore(path) })
  const [alice, carol, phone] = [enter('alice'), enter('carol'), enter('bob')]
  for (const text of ['one', 'two', 'three']) await alice.send('bob', text)
  const last = await carol.send('bob', 'hello')
  for await (const message of phone.messages()) {
    if (message.body !== 'three') message.read()
    if (message.from === 'carol') break
  }
  await carol.reached(last.id, 'read')
  await phone.close()
  await node.close()
  await start({ store: lmdbStore(path) })
  const book = await openBook(enter('bob', 'laptop'), 'bob')
  const unread = () => Object.fromEntries(book.all.map(({ id, unread }) => [id, unread]))
  await expect.poll(unread).toEqual({ alice: 1, carol: 0 })
  expect(await book.firstUnread('alice')).toMatchObject({ text: 'three' })
  book.close()
})

/** A closed memoryStorage may be read, not opened again. */
async function copyOf(storage: ReturnType<typeof memoryStorage>) {
  const copy = memoryStorage()
  await copy.write(new Map(await storage.load()))
  return copy
}

it('are listed, and one that is removed ends at once, for good', async () => {
  await start()
  const [phone, laptop] = [enter('bob'), enter('bob', 'laptop')]
  for (const client of [phone, laptop]) await online(client)
  const tablet = enter('bob', 'tablet')
  await online(tablet)
  await tablet.close()
  const listed = await phone.devices()
  expect(listed.map(({ device }) => device)).toEqual(['phone', 'laptop', 'tablet'])
  await expect.poll(async () => (await phone.devices()).map(({ connected }) => connected)).toEqual([true, true, false])
  for (const { lastSeen } of listed) expect(Math.abs(lastSeen.getTime() - Date.now())).toBeLessThan(60_000)
  await phone.removeDevice('laptop')
  await expect.poll(() => laptop.connection).toMatchObject({ is: 'closed', code: 'removed' })
  expect((await phone.devices()).map(({ device }) => device)).toEqual(['phone', 'tablet'])
  await expect(phone.removeDevice('laptop')).rejects.toMatchObject({ code: 'unknown_device' })
})

it('that were away for too long are told so', async () => {
  await start({ limits: { deviceAwayMs: 50 } })
  const storage = memoryStorage()
  const phone = enter('bob', 'phone', { storage })
  const alice = enter('alice')
  const taken = phone.messages()
  await alice.send('bob', 'one')
  await taken.next()
  const second = taken.next()
  await alice.send('bob', 'two')
  await second
  await phone.close()
  await expect.poll(async () => (await node.inspect('bob'))?.devices[0]?.connected).toBe(false)
  await new Promise((resolve) => setTimeout(resolve, 100))
  const back = enter('bob', 'phone', { storage: await copyOf(storage) })
  const gaps: object[] = []
  back.on('gap', (gap) => gaps.push(gap))
  const { value } = await back.messages().next()
  expect(value?.body, 'what it has does not come again').toBe('two')
  expect(gaps).toMatchObject([{ why: 'expired', seq: 1 }])
})

it('that stay connected, and acknowledge nothing, are not taken for gone after a crash', async () => {
  const store = memoryStore()
  const limits = { deviceAwayMs: 4_000 }
  node = createNode({ store, limits })
  url = (await node.listen({ port: 0 })).url
  const storage = memoryStorage()
  const phone = enter('bob', 'phone', { storage })
  await node.send({ from: 'alice', to: 'bob', body: 'one' })
  await phone.messages().next()
  await new Promise((resolve) => setTimeout(resolve, 12_000))
  // As after kill -9: what the first node knows, and has not written, the second does not.
  const next = createNode({ store, limits })
  url = (await next.listen({ port: 0 })).url
  const back = enter('bob', 'phone', { storage: await copyOf(storage) })
  const gaps: object[] = []
  back.on('gap', (gap) => gaps.push(gap))
  await online(back)
  expect(gaps).toEqual([])
  await back.close()
  await next.close()
})
