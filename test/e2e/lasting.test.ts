/** How long messages stay, what came before, and what is deleted, with the SDK and a node. On the wire: lifetimes.test.ts. */
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { type Client, type ConnectOptions, connect, type Incoming, memoryStorage } from '../../src/client/index.ts'
import { createNode, memoryStore } from '../../src/index.ts'

let node: ReturnType<typeof createNode>
let url: string
const clients: Client[] = []
async function start(): Promise<void> {
  node = createNode({ store: memoryStore() })
  url = (await node.listen({ port: 0 })).url
}
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  await node.close()
})

/** A device with what an application would show: what came, without what is gone. */
function enter(user: string, device = 'phone', options: Partial<ConnectOptions> = {}) {
  const client = connect({ url, token: user, device, ...options })
  clients.push(client)
  const shown: Incoming[] = []
  client.on('gone', ({ chat, epoch, from, upTo }) => {
    const left = shown.filter((m) => m.epoch !== epoch || m.seq < from || m.seq > upTo || (chat ?? m.chat) !== m.chat)
    shown.splice(0, shown.length, ...left)
  })
  void (async () => {
    for await (const message of client.messages()) shown.push(message)
  })().catch(() => undefined)
  return { client, shown, bodies: () => shown.map(({ body }) => body) }
}
const fresh = async (user: string): Promise<unknown[]> => {
  const { client, bodies } = enter(user, `new ${Math.random()}`)
  await expect.poll(() => client.connection.is).toBe('online')
  await pause(300)
  await client.close()
  return bodies()
}

it('either side sets a lifetime, both see it in its place and agree, and what vanishes is sent to nobody', async () => {
  await start()
  const [ann, ben] = [enter('ann'), enter('ben')]
  await ann.client.send('ben', 'usual')
  const change = await ben.client.setLifetime('ann', 'delivered 1000')
  expect(change).toMatchObject({ change: 'lifetime', body: 'delivered 1000', state: 'sent' })
  const secret = await ann.client.send('ben', 'secret')
  expect(secret).toMatchObject({ lifetime: 'delivered 1000' })
  expect((secret.expires ?? 0) - Date.now()).toBeGreaterThan(500)
  await expect.poll(ben.bodies).toEqual(['usual', 'secret'])
  await expect.poll(ann.bodies).toEqual(['delivered 1000'])
  expect(ann.shown[0]?.change).toBe('lifetime')
  for (const [one, other] of [
    [ann, 'ben'],
    [ben, 'ann'],
  ] as const)
    expect(await one.client.lifetime(other)).toBe('delivered 1000')
  await expect.poll(() => fresh('ben')).toEqual(['usual'])
  await expect.poll(async () => (await ann.client.outbox()).map(({ body }) => body)).not.toContain('secret')
  await expect(enter('mal').client.setLifetime('#team', 'temporary')).rejects.toMatchObject({ code: 'unknown_group' })
})

it('read: the time runs from reading on', async () => {
  await start()
  const [ann, ben] = [enter('ann'), enter('ben')]
  await ann.client.setLifetime('ben', 'read 1000')
  await ann.client.send('ben', 'note')
  await expect.poll(ben.bodies).toEqual(['read 1000', 'note'])
  await pause(1_500)
  expect(await fresh('ben')).toContain('note')
  ben.shown.at(-1)?.read()
  await expect.poll(() => fresh('ben')).not.toContain('note')
})

it('a permanent chat is read back in pages, own messages among them, until it is deleted; the other side keeps theirs', async () => {
  await start()
  const [ann, ben] = [enter('ann'), enter('ben')]
  await ann.client.setLifetime('ben', 'permanent')
  for (let n = 1; n <= 5; n++) await (n % 2 ? ann : ben).client.send(n % 2 ? 'ben' : 'ann', `no ${n}`)
  const read = async ({ client }: typeof ann, chat: string) => {
    const all: string[] = []
    let page = await client.history(chat, { limit: 2 })
    while (page.length > 0) {
      all.unshift(...page.filter(({ change }) => !change).map(({ from, body }) => `${from}: ${body}`))
      page = await client.history(chat, { before: page[0], limit: 2 })
    }
    return all
  }
  const told = ['ann: no 1', 'ben: no 2', 'ann: no 3', 'ben: no 4', 'ann: no 5']
  expect(await read(ann, 'ben')).toEqual(told)
  expect(await read(ben, 'ann')).toEqual(told)
  const [second] = (await ann.client.history('ben')).filter(({ body }) => body === 'no 2')
  if (!second) throw new Error('it is there')
  await ann.client.delete(second)
  expect(await read(ann, 'ben')).toEqual(told.filter((line) => !line.endsWith('2')))
  await ann.client.delete('ben')
  expect(await read(ann, 'ben')).toEqual([])
  expect(await read(ben, 'ann')).toEqual(told)
  await ben.client.send('ann', 'begun anew')
  expect(await read(ann, 'ben')).toEqual(['ben: begun anew'])
})

it('what one device deletes goes from the others, also from one that was away, and from what it had sent', async () => {
  await start()
  const storage = memoryStorage()
  const [phone, laptop, away] = [enter('ben'), enter('ben', 'laptop'), enter('ben', 'tablet', { storage })]
  const ann = enter('ann')
  for (const text of ['one', 'two', 'three']) await ann.client.send('ben', text)
  for (const { bodies } of [phone, laptop, away]) await expect.poll(bodies).toEqual(['one', 'two', 'three'])
  const mine = await laptop.client.send('ann', 'mine')
  await away.client.close()
  const [, two] = phone.shown
  if (!two) throw new Error('it is there')
  await phone.client.delete(two)
  for (const { bodies } of [phone, laptop]) await expect.poll(bodies).toEqual(['one', 'three'])
  const copied = (await laptop.client.outbox()).find(({ id }) => id === mine.id)
  expect(copied?.copy).toMatchObject({ seq: expect.any(Number) })
  await phone.client.delete('ann')
  for (const { bodies } of [phone, laptop]) await expect.poll(bodies).toEqual([])
  await expect.poll(() => laptop.client.outbox()).toEqual([])
  const kept = memoryStorage()
  await kept.write(new Map(await storage.load()))
  const back = enter('ben', 'tablet', { storage: kept })
  const gone: unknown[] = []
  back.client.on('gone', ({ chat, from }) => void gone.push([chat, from]))
  await expect.poll(() => gone).toContainEqual(['ann', 1])
  await ann.client.send('ben', 'later')
  for (const { bodies } of [phone, laptop, back]) await expect.poll(bodies).toEqual(['later'])
  expect(await fresh('ben')).toEqual(['later'])
})

it('who types in a group is heard by those who have it open, and an admin sets how long its messages stay', async () => {
  await start()
  const [ann, ben, cat] = [enter('ann'), enter('ben'), enter('cat')]
  const team = await ann.client.createGroup('Team', ['ben', 'cat'])
  await expect.poll(() => ben.bodies()).toEqual(['ben\ncat'])
  const heard: string[] = []
  for (const [name, { client }] of Object.entries({ ann, cat }))
    client.on('typing', ({ chat, user, doing }) => void heard.push(`${name}: ${user} ${doing} in ${chat === team}`))
  cat.client.watch(team, () => {})
  await pause(300)
  ben.client.typing(team)
  await expect.poll(() => heard).toEqual(['cat: ben typing in true'])
  await ben.client.send(team, 'hi')
  await expect.poll(() => heard.at(-1)).toBe('cat: ben null in true')
  await expect(ben.client.setLifetime(team, 'permanent')).rejects.toMatchObject({ code: 'not_an_admin' })
  await ann.client.setLifetime(team, 'permanent')
  expect(await cat.client.lifetime(team)).toBe('permanent')
  await cat.client.send(team, 'kept')
  await expect
    .poll(async () => (await ben.client.history(team)).map(({ from, body }) => `${from}: ${body}`))
    .toEqual(['ann: permanent', 'cat: kept'])
})
