/** Messages that carry media: what they may refer to, and how long that stays. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { createNode, fileMedia, lmdbStore, type MediaStore, memoryStore, type NodeOptions } from '../../src/index.ts'
import { chatHolder, uploadHolder } from '../../src/media/media.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import type { MediaId } from '../../src/protocol/media.ts'
import { idOf, png } from '../contracts/media.ts'

type Frame = unknown[]
const [alice, bob] = ['alice' as UserId, 'bob' as UserId]
const hourMs = 3_600_000
const retentionMs = 10 * hourMs
const picture = png('a picture')
const carried = { media: idOf(picture), type: 'image/png', size: picture.length }
let node: ReturnType<typeof createNode>
let store: MediaStore
let address: string
afterEach(() => node.close())
async function start(options: Partial<NodeOptions> = {}) {
  store = fileMedia(mkdtempSync(join(tmpdir(), 'bluetick-media-')), { retentionMs })
  node = createNode({ store: memoryStore(), media: store, ...options })
  const { port } = await node.listen({ port: 0 })
  address = `127.0.0.1:${port}`
}
async function upload(content: Uint8Array, token = 'alice') {
  const headers = { authorization: `Bearer ${token}` }
  await fetch(`http://${address}/media`, { method: 'POST', headers, body: content as Uint8Array<ArrayBuffer> })
}
async function enter(user: string) {
  const socket = new WebSocket(`ws://${address}`, 'bluetick.v1.json')
  const frames: Frame[] = []
  socket.on('message', (data) => {
    for (const line of String(data).split('\n')) frames.push(JSON.parse(line))
  })
  await new Promise((resolve) => socket.once('open', resolve))
  const say = (...frame: Frame) => socket.send(JSON.stringify(frame))
  say('hello', user, 'phone')
  const of = (kind: string) => frames.filter((frame) => frame[0] === kind)
  await expect.poll(() => of('live')).toHaveLength(1)
  return { say, of }
}
const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`

describe('a message that carries media', () => {
  it('brings it to the recipient as it was sent, and to one who comes later', async () => {
    await start()
    await upload(picture)
    const sender = await enter('alice')
    const there = await enter('bob')
    const media = { ...carried, preview: { base64: 'AAEC' } }
    sender.say('send', id(1), 'bob', 'look', false, media)
    await expect.poll(() => there.of('message').map((frame) => frame.slice(5))).toEqual([['look', media]])
    await expect.poll(() => sender.of('sent')).toHaveLength(1)
    expect((await enter('bob')).of('message').map((frame) => frame[6])).toEqual([media])
  })

  it.each([
    ['is not here', { ...carried, media: 'f'.repeat(64) }, 'unknown_media'],
    ['has another size', { ...carried, size: 1 }, 'wrong_media'],
    ['is no video', { ...carried, type: 'video/mp4' }, 'wrong_media'],
    ['would run in a browser', { ...carried, type: 'text/html' }, 'wrong_media'],
    ['has no such shape', { ...carried, more: 1 }, 'bad_frame'],
  ])('is refused when it %s, and what follows is sent', async (_what, media, code) => {
    await start()
    await upload(picture)
    const sender = await enter('alice')
    sender.say('send', id(1), 'bob', 'look', false, media)
    sender.say('send', id(2), 'bob', 'text', false)
    await expect.poll(() => sender.of('error').map((frame) => [frame[1], frame[3]])).toEqual([[code, id(1)]])
    await expect.poll(() => sender.of('sent').map((frame) => [frame[1], frame[3]])).toEqual([[id(2), 1]])
  })

  it('keeps its place among those that carry none', async () => {
    await start()
    await upload(picture)
    const sender = await enter('alice')
    for (let n = 1; n <= 20; n++) sender.say('send', id(n), 'bob', `${n}`, false, ...(n % 3 === 0 ? [carried] : []))
    await expect.poll(() => sender.of('sent')).toHaveLength(20)
    const bob = await enter('bob')
    await expect
      .poll(() => bob.of('message').map((frame) => frame[5]))
      .toEqual(Array.from({ length: 20 }, (_, n) => `${n + 1}`))
  })

  it('reaches every member of a group, and the group keeps what it carries', async () => {
    await start()
    await upload(picture)
    const [sender, member] = [await enter('alice'), await enter('bob')]
    sender.say('send', id(1), '#team', 'Team', false, null, 'create')
    await expect.poll(() => sender.of('sent')).toHaveLength(1)
    sender.say('send', id(2), '#team', 'bob', false, null, 'add')
    sender.say('send', id(3), '#team', 'look', false, carried)
    await expect.poll(() => member.of('message').map((frame) => frame[6])).toContainEqual(carried)
    expect(await store.find(carried.media as MediaId)).toBeDefined()
    await store.release(chatHolder('#team' as UserId, '#team'))
    expect(await store.find(carried.media as MediaId)).toBeUndefined()
  })

  it('is refused by a node without media, and for now where the media store does not answer', async () => {
    await start()
    await upload(picture)
    store.find = () => Promise.reject(new Error('no disk'))
    const sender = await enter('alice')
    sender.say('send', id(1), 'bob', 'look', false, carried)
    await expect.poll(() => sender.of('error').map((frame) => frame[1])).toEqual(['busy'])
    await node.close()
    node = createNode({ store: memoryStore() })
    address = `127.0.0.1:${(await node.listen({ port: 0 })).port}`
    await expect(node.send({ from: 'alice', to: 'bob', body: '', media: carried })).rejects.toMatchObject({
      code: 'unknown_media',
      retry: false,
    })
  })

  it('is asked about after the allow hook, and refused by either', async () => {
    await start({ allow: ({ body }) => body !== 'spam' })
    await upload(picture)
    const sender = await enter('alice')
    sender.say('send', id(1), 'bob', 'spam', false, carried)
    sender.say('send', id(2), 'bob', 'ham', false, { ...carried, size: 1 })
    sender.say('send', id(3), 'bob', 'ham', false, carried)
    await expect.poll(() => sender.of('error').map((frame) => frame[1])).toEqual(['refused', 'wrong_media'])
    await expect.poll(() => sender.of('sent').map((frame) => frame[1])).toEqual([id(3)])
  })
})

describe('media', () => {
  const isThere = async () => (await store.find(carried.media as MediaId)) !== undefined

  it('that nobody sends within a day is collected', async () => {
    await start()
    await upload(picture)
    await store.collect(Date.now() + 23 * hourMs)
    expect(await isThere()).toBe(true)
    await store.collect(Date.now() + 25 * hourMs)
    expect(await isThere()).toBe(false)
  })

  it('that a message refers to stays for the retention time after the last, and for the day that an entry may stay longer', async () => {
    await start()
    await upload(picture)
    await node.send({ from: 'alice', to: 'bob', body: '', media: carried })
    await store.collect(Date.now() + retentionMs + 24 * hourMs)
    expect(await isThere()).toBe(true)
    await store.collect(Date.now() + retentionMs + 26 * hourMs)
    expect(await isThere()).toBe(false)
    await expect(node.send({ from: 'alice', to: 'bob', body: '', media: carried })).rejects.toMatchObject({
      code: 'unknown_media',
    })
  })

  it('of a chat goes when both have deleted the chat, and not when one has, or someone else was sent it', async () => {
    await start()
    await upload(picture)
    for (const to of ['bob', 'carol']) await node.send({ from: 'alice', to, body: '', media: carried })
    for (const holder of [chatHolder(alice, bob), chatHolder(bob, alice), chatHolder(alice, 'carol')]) {
      await store.release(holder)
      expect(await isThere()).toBe(true)
    }
    await store.release(chatHolder('carol' as UserId, alice))
    expect(await isThere()).toBe(false)
  })

  it('of a permanent chat stays for ever, until both have deleted the chat; in a group, until every member has', async () => {
    await start()
    const years = Date.now() + 100 * 365 * 24 * hourMs
    for (const chat of ['bob', '#team']) {
      await upload(picture)
      const sender = await enter('alice')
      for (const [body, change] of [
        ['Team', 'create'],
        ['bob', 'add'],
      ])
        if (chat === '#team') sender.say('send', crypto.randomUUID(), chat, body, false, null, change)
      await expect.poll(() => node.setLifetime('alice', chat, 'permanent').catch(() => 0)).toBeTruthy()
      await node.send({ from: 'alice', to: chat, body: 'look', media: carried })
      for (const [user, other] of [
        ['alice', chat],
        ['bob', chat === 'bob' ? 'alice' : chat],
      ] as const) {
        await expect.poll(async () => (await node.history(user, other, { limit: 1 }))[0]?.media).toEqual(carried)
        await store.collect(years)
        expect(await isThere()).toBe(true)
        await node.deleteChat(user, other)
      }
      // The group's log holds it for the retention time, as ever.
      if (chat === '#team') await store.collect(years)
      expect(await isThere()).toBe(false)
    }
  })

  it('of single messages goes when both have deleted the last that carries it', async () => {
    await start()
    await upload(picture)
    await node.setLifetime('alice', 'bob', 'permanent')
    for (const body of ['one', 'two']) await node.send({ from: 'alice', to: 'bob', body, media: carried })
    const erase = async (user: UserId, chat: UserId, nth: number) => {
      const { seq } = (await node.history(user, chat)).at(-1 - nth) as { seq: number }
      const there = await enter(user)
      there.say('delete', chat, seq, seq)
      await expect.poll(() => there.of('done').at(-1)).toEqual(['done', 'delete', chat, seq, seq])
    }
    for (const [user, chat] of [
      [alice, bob],
      [bob, alice],
      [alice, bob],
    ] as const) {
      await erase(user, chat, 1)
      await store.collect(Date.now() + 2 * retentionMs)
      expect(await isThere()).toBe(true)
    }
    await erase(bob, alice, 1)
    expect(await isThere()).toBe(false)
  })

  it.each([
    ['memory', () => memoryStore()],
    ['lmdb', () => lmdbStore(mkdtempSync(join(tmpdir(), 'bluetick-kept-')))],
  ])(
    'of a permanent chat goes with a deletion that waited, unless a message of that chat came meanwhile (%s)',
    async (_, of) => {
      await start({ store: of() })
      await upload(picture, 'bob')
      await node.setLifetime('alice', 'bob', 'permanent')
      await node.send({ from: 'bob', to: 'alice', body: 'look', media: carried })
      const upTo = (await node.history('alice', 'bob'))[0]?.seq as number
      await node.send({ from: 'carol', to: 'alice', body: 'of another chat' })
      const late = await node.send({ from: 'bob', to: 'alice', body: 'late', media: carried })
      await node.deleteChat('bob', 'alice')
      const there = await enter('alice')
      const erase = async (upTo: number) => {
        there.say('delete', 'bob', 1, upTo)
        await expect.poll(() => there.of('done').at(-1)).toEqual(['done', 'delete', 'bob', upTo, 1])
      }
      await erase(upTo)
      expect(await isThere()).toBe(true)
      await node.send({ from: 'carol', to: 'alice', body: 'of another chat' })
      await erase(late.seq)
      expect(await isThere()).toBe(false)
    },
  )

  it('that was uploaded again stays for another day', async () => {
    await start()
    await upload(picture)
    await node.send({ from: 'alice', to: 'bob', body: '', media: carried })
    await upload(picture, 'carol')
    for (const holder of [chatHolder(alice, bob), chatHolder(bob, alice)]) await store.release(holder)
    expect(await isThere()).toBe(true)
    await store.release(uploadHolder('carol' as UserId))
    expect(await isThere()).toBe(false)
  })
})
