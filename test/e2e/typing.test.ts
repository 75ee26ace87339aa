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
