/**
 * Runs the transcripts of docs/writing-a-client.md, top to bottom, against one node. What a client gets must be what the page
 * says, frame by frame and in order, and nothing else. `"$name"` is bound where it is first got, and is that value from there on.
 */
import { once } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { createNode, memoryStore } from '../../src/index.ts'
import { blocks } from './blocks.ts'

type Peer = { readonly socket: WebSocket; readonly frames: unknown[]; readonly closed: Promise<string> }

const node = createNode({ store: memoryStore(), onlineMs: 0 })
const peers = new Map<string, Peer>()
const values = new Map<string, unknown>()
let url: string
beforeAll(async () => {
  url = (await node.listen({ port: 0 })).url
})
afterAll(() => node.close())

const transcripts = blocks('docs/writing-a-client.md').filter(({ language }) => language === 'transcript')

it.each(transcripts)('line $line happens as written', async ({ code }) => {
  for (const line of code.split('\n')) await step(line)
})

it('was all that happened', async () => {
  // Receipts become entries a second after they were news.
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  expect([...peers].flatMap(([name, { frames }]) => frames.map((frame) => [name, frame]))).toEqual([])
})

async function step(line: string): Promise<void> {
  const [, name = '', action = '', rest = ''] = /^(\w+)(>|<| opens| closes| closed) ?(.*)$/.exec(line) ?? []
  const peer = peers.get(name) as Peer
  switch (action) {
    case ' opens':
      return void peers.set(name, await open())
    case ' closes':
      peer.socket.close()
      return void (await peer.closed)
    case ' closed':
      return expect(await peer.closed).toBe(rest)
    case '>':
      return peer.socket.send(JSON.stringify(JSON.parse(rest, (_key, value) => values.get(value) ?? value)))
    case '<':
      await expect.poll(() => peer.frames.length).toBeGreaterThan(0)
      return matches(peer.frames.shift(), JSON.parse(rest))
    default:
      throw new Error(`not a line of a transcript: ${line}`)
  }
}

async function open(): Promise<Peer> {
  const socket = new WebSocket(url, 'bluetick.v1.json')
  const frames: unknown[] = []
  socket.on('message', (data) => {
    for (const line of String(data).split('\n')) frames.push(JSON.parse(line))
  })
  const closed = new Promise<string>((resolve) => socket.on('close', (code, reason) => resolve(`${code} ${reason}`)))
  await once(socket, 'open')
  return { socket, frames, closed }
}

function matches(got: unknown, written: unknown): void {
  expect(bound(got, written)).toEqual(written)
}

/** What was got, with the name in the place of each value that the page names. */
function bound(got: unknown, written: unknown): unknown {
  if (typeof written === 'string' && written.startsWith('$')) {
    if (!values.has(written)) values.set(written, got)
    return isDeepStrictEqual(values.get(written), got) ? written : got
  }
  if (typeof got !== 'object' || got === null || typeof written !== 'object' || written === null) return got
  const names = new Map(Object.entries(written))
  const pairs = Object.entries(got).map(([key, value]) => [key, bound(value, names.get(key))] as const)
  return Array.isArray(got) ? pairs.map(([, value]) => value) : Object.fromEntries(pairs)
}
