/** What two people live through on one node: the same story on every store. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, type TestOptions } from 'vitest'
import { type Client, connect } from '../../src/client/index.ts'
import { fileStorage } from '../../src/client/node.ts'
import { createNode, type Store } from '../../src/index.ts'
import { freePort } from '../ports.ts'

/** `store` answers a store that keeps what it has under `folder`, or under a name that stands for it. */
export function story(
  name: string,
  store: (folder: string) => Store | Promise<Store>,
  options: TestOptions = {},
): void {
  describe(`two people on one node: ${name}`, options, () => {
    let folder: string
    let node: ReturnType<typeof createNode>
    let port: number
    let url: string
    let clients: Client[]

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'bluetick-'))
      clients = []
      port = await freePort()
      await start()
    })
    afterEach(async () => {
      for (const client of clients) await client.close()
      await node.close()
    })

    // Not one that the system picks: that is bound without address reuse, and could not be had again at once.
    async function start(): Promise<void> {
      node = createNode({ store: await store(folder) })
      url = (await node.listen({ port })).url
    }
    function enter(user: string, device = 'phone'): Client {
      const client = connect({ url, token: user, device, storage: fileStorage(join(folder, `${user}-${device}`)) })
      clients.push(client)
      return client
    }
    async function take(client: Client, count: number, read = false): Promise<string[]> {
      const bodies: string[] = []
      for await (const message of client.messages()) {
        bodies.push(String(message.body))
        if (read) message.read()
        if (bodies.length > count) break
        if (bodies.length === count) setTimeout(() => client.close(), 200)
      }
      return bodies
    }

    it('carries a message to two blue ticks', async () => {
      const alice = enter('alice')
      const bob = enter('bob')
      const taken = take(bob, 1, true)
      const message = await alice.send('bob', 'hi')
      expect(message.state).toBe('sent')
      await alice.reached(message.id, 'read')
      expect(await taken).toEqual(['hi'])
    })

    it('keeps what bob missed, in order, once, also across restarts of the node and of bob', async () => {
      const alice = enter('alice')
      for (const body of ['1', '2', '3']) await alice.send('bob', body)
      await node.close()
      const last = alice.queue('bob', '4')
      await last
      await start()
      const bodies = await take(enter('bob'), 4)
      expect(bodies).toEqual(['1', '2', '3', '4'])
      await alice.send('bob', '5')
      expect(await take(enter('bob'), 1)).toEqual(['5'])
    })

    it('shows online and last seen to who watches', async () => {
      const bob = enter('bob')
      const alice = enter('alice')
      const seen: object[] = []
      alice.watch('bob', (presence) => seen.push(presence))
      await expect.poll(() => seen.at(-1)).toEqual({ online: true })
      await bob.close()
      await expect.poll(() => seen.at(-1)).toMatchObject({ online: false, lastSeen: expect.any(Date) })
    })

    it('shows what one device sends on the other, and replaces a device that connects twice', async () => {
      const phone = enter('alice', 'phone')
      const laptop = enter('alice', 'laptop')
      await expect.poll(() => [phone.connection.is, laptop.connection.is]).toEqual(['online', 'online'])
      const copies: string[] = []
      laptop.on('message', (message) => copies.push(String(message.body)))
      await phone.send('bob', 'from the phone')
      await expect.poll(() => copies).toEqual(['from the phone'])
      const again = connect({ url, token: 'alice', device: 'phone' })
      clients.push(again)
      await expect.poll(() => phone.connection).toEqual({ is: 'closed', code: 'replaced' })
    })

    it('gives a message again that a loop left unfinished, in the same run', async () => {
      const alice = enter('alice')
      const bob = enter('bob')
      for (const body of ['1', '2']) await alice.send('bob', body)
      for await (const message of bob.messages()) {
        expect(message.body).toBe('1')
        break
      }
      expect(await take(bob, 2)).toEqual(['1', '2'])
    })

    it('tells who sent a message that it came, when it is deleted before anything else is known of it', async () => {
      const alice = enter('alice')
      const bob = enter('bob')
      const { id } = await alice.send('bob', 'hi')
      for await (const _ of bob.messages()) break
      await bob.delete('alice')
      await alice.reached(id, 'delivered')
      const late = enter('bob', 'laptop')
      const seen = take(late, 1)
      await alice.send('bob', 'after that')
      expect(await seen).toEqual(['after that'])
    })

    it('tells operators where a message is', async () => {
      const alice = enter('alice')
      const { id } = await alice.send('bob', 'hi')
      expect((await node.trace(id)).map(({ step }) => step)).toEqual(['sent', 'waiting'])
      expect(await node.inspect('bob')).toMatchObject({ tail: 1, devices: [] })
      expect(await node.inspect('nobody')).toBeUndefined()
    })
  })
}
