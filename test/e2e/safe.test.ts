/** Safe by default: who may connect to a node that has no secret, where such a node listens, and what no stranger can grow. */
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { receive, startSession } from '../../actors/session/session.ts'
import type { SessionMessage } from '../../actors/session/types.ts'
import { openSettings } from '../../actors/settings.ts'
import { connect } from '../../src/client/index.ts'
import { createNode, defaultLimits, memoryStore, type NodeOptions } from '../../src/index.ts'
import type { MessageId, UserId } from '../../src/protocol/ids.ts'

let node: ReturnType<typeof createNode> | undefined
async function start(options: Omit<NodeOptions, 'store'> = {}): Promise<string> {
  node = createNode({ store: memoryStore(), ...options })
  return (await node.listen({ port: 0 })).url
}
afterEach(() => node?.close())

/** The HTTP status of an upgrade. */
function upgrade(url: string, headers: Record<string, string>): Promise<number> {
  const socket = new WebSocket(url, 'bluetick.v1.json', { headers })
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve(101))
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
    socket.on('error', reject)
  }).finally(() => socket.terminate()) as Promise<number>
}

describe('without a secret', () => {
  it('takes programs and its own page, and refuses the pages of others, also those whose name points here', async () => {
    const url = await start()
    const host = url.slice('ws://'.length)
    const [, port] = host.split(':')
    expect(await upgrade(url, {})).toBe(101)
    expect(await upgrade(url, { origin: `http://${host}` })).toBe(101)
    expect(await upgrade(url, { origin: `http://localhost:${port}`, host: `localhost:${port}` })).toBe(101)
    for (const origin of ['http://evil.example', 'https://127.0.0.1', 'null', 'http://127.0.0.1:1', `https://${host}`])
      expect(await upgrade(url, { origin }), origin).toBe(403)
    expect(await upgrade(url, { origin: 'http://evil.example', host: 'evil.example' })).toBe(403)
  })

  it.each(['0.0.0.0', '::', '192.168.1.10', 'chat.example', '127.chat.example'])(
    'refuses to listen on %s, in one sentence',
    async (host) => {
      await start()
      const open = createNode({ store: memoryStore() })
      await expect(open.listen({ host, port: 0 })).rejects.toThrow(
        `Refusing to listen on ${host} without authentication`,
      )
    },
  )
})

it('takes pages of any origin where a token is needed, since a page cannot know it', async () => {
  const url = await start({ authenticate: () => undefined })
  expect(await upgrade(url, { origin: 'http://elsewhere.example' })).toBe(101)
})

it('sends nobody away for good while tokens cannot be checked, and lets them in as soon as they can', async () => {
  let down = true
  const authenticate = () => {
    if (down) throw new Error('the database is down')
    return { user: 'alice' }
  }
  const client = connect({ url: await start({ authenticate }), token: 'a session of alice' })
  await expect.poll(() => client.connection).toMatchObject({ is: 'waiting', reason: 'unavailable' })
  down = false
  await expect.poll(() => client.connection.is).toBe('online')
  await client.close()
})

it('bytes in a socket that nobody reads: above the limit the connection ends', async () => {
  const limits = { framesPerSecond: 1_000_000, windowBytes: 10_000, socketBytes: 20_000 }
  const url = await start({ limits })
  const socket = new WebSocket(url, 'bluetick.v1.json')
  await once(socket, 'open')
  socket.send('["hello","mallory"]')
  await once(socket, 'message')
  socket.pause()
  const bad = `${JSON.stringify(['watch', 'x'.repeat(129)])}\n`.repeat(500)
  const sending = setInterval(() => socket.send(bad), 5)
  await expect.poll(() => node?.stats().sessions).toBe(0)
  clearInterval(sending)
  socket.terminate()
})

it('recipients of refused sends that a session remembers', () => {
  const limits = { framesPerSecond: 1_000, sendsInFlight: 1, watches: 1, listed: 10 }
  const state = startSession(limits, 0)
  const tell = (message: SessionMessage, now = 0) => receive(state, message, { now, limits, effects: [] })
  tell({ is: 'allowed', user: 'mallory' as UserId, device: 'x' as never })
  tell({ is: 'welcomed', siblings: false, settings: openSettings })
  for (let n = 0; n < 5_000; n++) {
    const frame = ['send', 'id' as MessageId, `user ${n}` as UserId, '', false] as const
    tell({ is: 'frame', frame }, n)
  }
  expect(state.lanes?.open?.size).toBe(1_024)
})

it('has a test for each limit', () => {
  const files = ['test/e2e', 'test/media', 'test/hosts/keys'].flatMap((folder) =>
    readdirSync(folder).map((name) => `${folder}/${name}`),
  )
  const tests = files.map((file) => readFileSync(file, 'utf8'))
  const set = (name: string) => tests.some((text) => new RegExp(`limits[^;]*[{ ]${name}: `).test(text))
  // Bodies are hit at their default, 32 KB; WebSocket messages at 128 KB.
  const atDefault = ['bodyBytes', 'frameBytes']
  expect(Object.keys(defaultLimits).filter((name) => !set(name) && !atDefault.includes(name))).toEqual([])
})
