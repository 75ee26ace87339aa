/** Typing, with the SDK and a node. */
import { afterEach, expect, it } from 'vitest'
import { type Client, connect } from '../../src/client/index.ts'
import { createNode, memoryStore } from '../../src/index.ts'

const clients: Client[] = []
let node: ReturnType<typeof createNode>
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  await node.close()
})

it('reaches the devices that have the chat open, and no other', async () => {
  node = createNode({ store: memoryStore() })
  const { url } = await node.listen({ port: 0 })
  const enter = (user: string, device = 'phone') => {
    const client = connect({ url, token: user, device })
    clients.push(client)
    const heard: string[] = []
    client.on('typing', ({ chat, doing }) => heard.push(`${chat} ${doing}`))
    return { client, heard }
  }
  const [alice, phone, laptop, carol] = [enter('alice'), enter('bob'), enter('bob', 'laptop'), enter('carol')]
  const open = async ({ client }: { client: Client }) => {
    let seen = false
    client.watch('alice', () => {
      seen = true
    })
    await expect.poll(() => seen).toBe(true)
  }
  await open(phone)
  await open(carol)
  alice.client.typing('bob')
  await expect.poll(() => phone.heard).toEqual(['alice typing'])
  await alice.client.send('bob', 'hi')
  await expect.poll(() => phone.heard).toEqual(['alice typing', 'alice null'])
  await phone.client.block('alice')
  alice.client.typing('bob', 'recording')
  await phone.client.unblock('alice')
  alice.client.typing('bob', null)
  alice.client.typing('bob', 'recording')
  await expect.poll(() => phone.heard.at(-1)).toBe('alice recording')
  expect(phone.heard.length).toBeLessThan(5)
  expect([laptop.heard, carol.heard]).toEqual([[], []])
})

it('reaches the members who have a group open, and never who types', async () => {
  node = createNode({ store: memoryStore() })
  const { url } = await node.listen({ port: 0 })
  const enter = (user: string) => {
    const client = connect({ url, token: user, device: 'phone' })
    clients.push(client)
    const heard: string[] = []
    const refused: string[] = []
    client.on('typing', ({ chat, user: by, doing }) => heard.push(`${chat} ${by} ${doing}`))
    client.on('refused', ({ kind, code }) => refused.push(`${kind} ${code}`))
    return { client, heard, refused }
  }
  const [ann, ben, cat, eve] = [enter('ann'), enter('ben'), enter('cat'), enter('eve')]
  const team = await ann.client.createGroup('Team', ['ben', 'cat'])
  for (const { client } of [ann, ben, eve]) client.watch(team, () => {})
  await expect.poll(() => eve.refused).toEqual(['watch not_a_member'])
  const hears = async (doing: 'typing' | 'recording') => {
    ann.client.typing(team, doing)
    await expect.poll(() => ben.heard.at(-1)).toBe(`${team} ann ${doing}`)
  }
  await hears('typing')
  eve.client.typing(team)
  await ben.client.block('ann')
  await hears('recording')
  await ann.client.send(team, 'ben', { change: 'remove' })
  await expect.poll(() => ben.heard.at(-1)).toBe(`${team} ann null`)
  ann.client.typing(team)
  await cat.client.send(team, 'hi')
  await expect.poll(async () => (await ann.client.outbox()).length).toBeGreaterThan(0)
  expect(ben.heard.at(-1)).toBe(`${team} ann null`)
  expect([ann.heard, cat.heard, eve.heard]).toEqual([[], [], []])
})
