/** Sealed messages between clients of the SDK, over a real node. */
import { afterEach, expect, it } from 'vitest'
import { e2ee } from '../../src/client/e2ee/e2ee.ts'
import { type Client, connect, memoryStorage } from '../../src/client/index.ts'
import { end, start, url } from './nodes.ts'

const clients: Client[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  await end()
})
function enter(user: string, storage = memoryStorage(), device = 'phone'): Client {
  const client = connect({ url, token: user, device, storage, e2ee: e2ee() })
  clients.push(client)
  return client
}
async function take(client: Client, count: number) {
  const taken = []
  for await (const message of client.messages()) if (taken.push(message) === count) break
  return taken
}

it('what one sends the other reads, and each message says that it was sealed', async () => {
  await start({ e2ee: 'allowed' })
  const [alice, bob] = [enter('alice'), enter('bob')]
  expect(await bob.e2ee?.place()).toBe('linked')
  const sent = await alice.send('bob', 'hi')
  expect(sent).toMatchObject({ state: 'sent', sealed: true })
  expect(await take(bob, 1)).toMatchObject([{ from: 'alice', body: 'hi', sealed: true }])
  await bob.send('alice', 'hello')
  expect(await take(alice, 1)).toMatchObject([{ from: 'bob', body: 'hello', sealed: true }])
  const [theirs, mine] = [await alice.e2ee?.identity('bob'), await bob.e2ee?.identity('alice')]
  expect(theirs?.safetyNumber).toBe(mine?.safetyNumber)
})
