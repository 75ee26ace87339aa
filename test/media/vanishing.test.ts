/** Media of messages that vanish goes with the last of them, also where nobody is told that it has. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { createNode, fileMedia, lmdbStore, type MediaStore, memoryStore, type Store } from '../../src/index.ts'
import { Holds } from '../../src/media/holds.ts'
import { NodeMedia, uploadHolder } from '../../src/media/media.ts'
import { Vanishing } from '../../src/media/vanishing.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import { systemClock } from '../../src/runtime/index.ts'
import { idOf, png } from '../contracts/media.ts'

const hourMs = 3_600_000
const folder = () => mkdtempSync(join(tmpdir(), 'bluetick-passing-'))
const picture = png('a picture')
const carried = { media: idOf(picture), type: 'image/png', size: picture.length }

describe.each([
  ['memory', () => memoryStore()],
  ['lmdb', () => lmdbStore(folder())],
] as const)('media of messages that vanish (%s)', (_, makeStore) => {
  let store: Store
  let media: MediaStore
  let node: ReturnType<typeof createNode>
  let address: string
  const clients: ReturnType<typeof connect>[] = []

  beforeEach(async () => {
    store = makeStore()
    media = fileMedia(folder())
    node = createNode({ store, media })
    const { port } = await node.listen({ port: 0 })
    address = `127.0.0.1:${port}`
    const headers = { authorization: 'Bearer alice' }
    await fetch(`http://${address}/media`, { method: 'POST', headers, body: picture as Uint8Array<ArrayBuffer> })
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close()
    await node.close()
  })

  const isThere = async () => (await media.find(carried.media)) !== undefined
  const send = (from: string, to: string, body: string) => node.send({ from, to, body, media: carried })
  /** As the node does some time later; also as the next process would, which knows nothing but what is stored. */
  async function looked(hours = 2): Promise<boolean> {
    const kept = new NodeMedia(media, defaultLimits, systemClock)
    const vanishing = new Vanishing(store, kept, new Holds(kept))
    while ((await vanishing.look(Date.now() + hours * hourMs)) > 0);
    while ((await media.collect(Date.now() + hours * hourMs)) > 0);
    return isThere()
  }
  function enter(user: string, device = 'phone') {
    const client = connect({ url: `ws://${address}`, token: user, device })
    clients.push(client)
    return client
  }
  /** What a person has taken, who reads what they are to. */
  function taking(user: string, reads: (body: unknown) => boolean): unknown[] {
    const taken: unknown[] = []
    const client = enter(user)
    void (async () => {
      for await (const message of client.messages()) {
        if (reads(message.body)) message.read()
        taken.push(message.body)
      }
    })()
    return taken
  }

  it('goes when the message was delivered and its time is over, and not before', async () => {
    await node.setLifetime('alice', 'bob', 'delivered 1000')
    await send('alice', 'bob', 'look')
    expect(await looked()).toBe(true)
    taking('bob', () => false)
    await expect.poll(() => looked()).toBe(false)
  })

  it('goes when the message was read and its time is over, and stays while it was only delivered', async () => {
    await node.setLifetime('alice', 'bob', 'read 1000')
    await send('alice', 'bob', 'look')
    const taken = taking('bob', (body) => body === 'the last')
    await expect.poll(() => taken).toContain('look')
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(await looked(25)).toBe(true)
    await send('alice', 'bob', 'the last')
    await expect.poll(() => looked(25)).toBe(false)
  })

  it('goes when every device has a temporary message, and stays while another message carries it', async () => {
    await send('alice', 'carol', 'for good')
    await node.setLifetime('alice', 'bob', 'temporary')
    await send('alice', 'bob', 'look')
    taking('bob', () => false)
    const waits = async () => (await store.load('bob' as UserId))?.waiting
    await expect.poll(waits).toBe(null)
    expect(await looked()).toBe(true)
    for (const [user, chat] of [
      ['carol', 'alice'],
      ['alice', 'carol'],
    ] as const)
      await node.deleteChat(user, chat)
    expect(await looked()).toBe(false)
  })

  it('stays in a group until it has vanished for the last member', async () => {
    const group = await enter('alice').createGroup('Team', ['bob', 'carol'])
    await node.setLifetime('alice', group, 'read 1000')
    await send('alice', group, 'look')
    taking('bob', () => true)
    const taken = taking('carol', (body) => body === 'the last')
    await expect.poll(() => taken).toContain('look')
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    expect(await looked(25)).toBe(true)
    await send('alice', group, 'the last')
    await expect.poll(() => looked(25)).toBe(false)
  })

  it('goes at once when both have deleted what has not vanished', async () => {
    await node.setLifetime('alice', 'bob', 'read 86400000')
    await send('alice', 'bob', 'look')
    await node.deleteChat('alice', 'bob')
    expect(await isThere()).toBe(true)
    await node.deleteChat('bob', 'alice')
    expect(await isThere()).toBe(false)
  })

  it('is not lost to a chat that is deleted between the admission of a message and its append', async () => {
    await send('alice', 'bob', 'the first')
    const release = media.release.bind(media)
    media.release = async (prefix, id) => {
      await release(prefix, id)
      if (prefix === uploadHolder('alice' as UserId)) await release('chat\n')
    }
    await send('alice', 'bob', 'the second')
    await media.collect(Date.now() + 25 * hourMs)
    expect(await isThere()).toBe(true)
  })

  it('of a permanent message goes, also where it could not be released when that was deleted', async () => {
    await node.setLifetime('alice', 'bob', 'permanent')
    for (const body of ['look', 'again']) await send('alice', 'bob', body)
    await node.deleteChat('alice', 'bob')
    const release = media.release.bind(media)
    media.release = () => Promise.reject(new Error('no disk'))
    await expect(node.deleteChat('bob', 'alice')).rejects.toMatchObject({ code: 'busy' })
    media.release = release
    expect(await isThere()).toBe(true)
    expect(await node.history('bob', 'alice')).toEqual([])
    expect(await looked()).toBe(false)
  })
})
