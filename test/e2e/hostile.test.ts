/** Bad input gets a code from the tables, and nobody else notices. */
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { createNode, memoryStore } from '../../src/index.ts'

const node = createNode({ store: memoryStore(), limits: { helloMs: 500, framesPerSecond: 50, idLength: 16 } })
let url: string
beforeAll(async () => {
  url = (await node.listen({ port: 0 })).url
})
afterAll(() => node.close())

const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`
type Frame = unknown[]

async function open(
  protocol = 'json',
  options = {},
): Promise<{ socket: WebSocket; frames: Frame[]; closed: Promise<number> }> {
  const socket = new WebSocket(url, `bluetick.v1.${protocol}`, options)
  const frames: Frame[] = []
  socket.on('message', (data) => {
    if (protocol === 'json') for (const line of String(data).split('\n')) frames.push(JSON.parse(line))
  })
  const closed = new Promise<number>((resolve) => socket.on('close', (code) => resolve(code)))
  await once(socket, 'open')
  return { socket, frames, closed }
}
async function enter(user: string) {
  const opened = await open()
  opened.socket.send(JSON.stringify(['hello', user, 'phone']))
  await expect.poll(() => opened.frames[0]?.[0]).toBe('welcome')
  return opened
}

describe('a connection that misbehaves', () => {
  it.each([
    ['broken JSON', 'json', '["send"', 3502],
    ['binary on a text protocol', 'json', Buffer.from([1]), 3502],
    ['text on a binary protocol', 'msgpack', 'x', 3502],
    ['an array that claims 32 million items', 'msgpack', Buffer.from([0xdd, 0x01, 0xff, 0xff, 0xff]), 3502],
    ['deep nesting', 'msgpack', Buffer.alloc(60_000, 0x91), 3502],
    ['a cut item', 'msgpack', Buffer.from([0x92, 0x01, 0xd9, 0xff]), 3502],
    ['text that is not UTF-8', 'msgpack', Buffer.from([0x92, 0x05, 0xa1, 0xff]), 3502],
    ['a frame that is too large', 'json', 'x'.repeat(130 * 1024), 3503],
  ])('is closed for %s', async (_what, protocol, data, code) => {
    const { socket, closed } = await open(protocol)
    socket.send(data)
    expect(await closed).toBe(code)
  })

  it('is closed when no hello comes, when no token comes, and when no protocol is offered', async () => {
    expect(await (await open()).closed).toBe(3003)
    const { socket, closed } = await open()
    socket.send('["hello",null]')
    expect(await closed).toBe(3500)
    const plain = new WebSocket(url)
    const [code] = await once(plain, 'close')
    expect(code).toBe(3505)
  })

  it('is refused when it comes from a page of another origin', async () => {
    await expect(open('json', { origin: 'http://evil.example' })).rejects.toThrow('403')
  })

  it('is closed when it floods', async () => {
    const { socket, closed } = await enter('flood')
    for (let n = 0; n < 400; n++) socket.send('["ping",1]')
    expect(await closed).toBe(3007)
  })
})

it.each([
  ['unknown_kind', ['fly', 1]],
  ['unknown_kind', ['welcome', 1]],
  ['bad_id', ['send', 'no-uuid', 'bob', 'x']],
  ['bad_id', ['send', id(1), 'b\u0000b', 'x']],
  ['bad_id', ['send', id(1), 'b'.repeat(17), 'x']],
  ['bad_frame', ['send', id(1), 'bob', { deep: [] }]],
  ['too_large', ['send', id(1), 'bob', 'x'.repeat(33 * 1024)]],
  ['bad_frame', ['ack', -1]],
  ['ack_above_tail', ['ack', 99]],
  ['ack_above_tail', ['read', 'bob', 99]],
])('answers %s to %j', async (code, frame) => {
  const { socket, frames } = await enter('mallory')
  socket.send(JSON.stringify(frame))
  await expect.poll(() => frames.find((frame) => frame[0] === 'error')?.[1]).toBe(code)
  socket.close()
})

it('answers a repeated send with the first result, and tells a cursor of another log', async () => {
  const { socket, frames } = await enter('rita')
  socket.send(JSON.stringify(['send', id(7), 'sam', 'once', false]))
  await expect.poll(() => frames.filter((frame) => frame[0] === 'sent').length).toBe(1)
  socket.send(JSON.stringify(['send', id(7), 'sam', 'once', true]))
  await expect.poll(() => frames.filter((frame) => frame[0] === 'sent').length).toBe(2)
  const [first, second] = frames.filter((frame) => frame[0] === 'sent')
  expect(second).toEqual(first)
  const sam = await open()
  sam.socket.send(JSON.stringify(['hello', 'sam', 'phone', 12345, 40]))
  await expect.poll(() => sam.frames[0]?.[6]).toBe(false)
  await expect.poll(() => sam.frames.filter((frame) => frame[0] === 'message').length).toBe(1)
})
