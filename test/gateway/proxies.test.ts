/** A node behind a real proxy: who may look in, and whose address a client has. */
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { request } from 'node:http'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { createNode, fileMedia, memoryStore, type NodeOptions } from '../../src/index.ts'
import { caddy, haproxy, needsCaddy, needsHaproxy, needsNginx, nginx, snippets, stopProxies } from './proxy.ts'

type Node = ReturnType<typeof createNode>
const nodes: Node[] = []
afterEach(async () => {
  stopProxies()
  for (const node of nodes.splice(0)) await node.close()
})

/** A node that notes which address each client has. */
async function start(options: Partial<NodeOptions> = {}) {
  const addresses: string[] = []
  const node = createNode({
    store: memoryStore(),
    media: fileMedia(mkdtempSync(join(tmpdir(), 'bluetick-proxies-'))),
    authenticate: (token, { address }) => {
      addresses.push(address)
      return token ? { user: token } : undefined
    },
    ...options,
  })
  nodes.push(node)
  const { port } = await node.listen({ port: 0 })
  return { port, addresses }
}

/** Connects from an address of this machine, says what a liar would, and answers what comes first: a frame, or a close code. */
async function arrive(port: number, localAddress: string): Promise<unknown> {
  const headers = { 'x-forwarded-for': '6.6.6.6' }
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, 'bluetick.v1.json', { localAddress, headers })
  await once(socket, 'open')
  socket.send(JSON.stringify(['hello', `somebody at ${localAddress}`]))
  return Promise.race([
    once(socket, 'message').then(([data]) => JSON.parse(String(data).split('\n')[0] ?? '')[0]),
    once(socket, 'close').then(([code]) => code),
  ])
}

async function get(port: number, path: string, localAddress = '127.0.0.1', headers = {}): Promise<number | undefined> {
  const asked = request({ port, path, localAddress, headers })
  asked.end()
  const [answer] = await once(asked, 'response')
  answer.resume()
  return answer.statusCode
}

const usual = (port: number) => `location / {
  proxy_pass http://127.0.0.1:${port};
  proxy_http_version 1.1;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection "upgrade";
}`

/** What a client cannot make up comes through a proxy that is trusted: its address, of which one is not another's. */
async function tellsApart(proxy: (port: number) => Promise<number>): Promise<void> {
  const trusting = await start({ trustedProxies: ['127.0.0.1'], limits: { connectionsPerAddress: 1 } })
  const front = await proxy(trusting.port)
  expect(await arrive(front, '127.0.0.2')).toBe('welcome')
  expect(await arrive(front, '127.0.0.3')).toBe('welcome')
  expect(await arrive(front, '127.0.0.2')).toBe(3006)
  expect(await get(front, `/media/${'0'.repeat(64)}`, '127.0.0.4', { authorization: 'Bearer alice' })).toBe(404)
  expect(trusting.addresses).toEqual(['127.0.0.2', '127.0.0.3', '127.0.0.4'])
  expect(await get(front, '/readyz')).toBe(200)
}

describe('behind nginx', needsNginx, () => {
  it('with the usual four lines /admin/v1 is closed', async () => {
    const { port } = await start()
    const front = await nginx(usual(port))
    expect(await arrive(front, '127.0.0.1')).toBe('welcome')
    for (const path of [
      '/admin/v1/stats',
      '/admin/v1/users/alice',
      '/admin/v1/messages/01932c5e-0000-7000-8000-000000000001',
    ])
      expect(await get(front, path)).toBe(403)
  })

  it('with the lines of the page each client has its own address', async () => {
    const [lines = ''] = snippets('nginx')
    await tellsApart((port) => nginx(lines.replaceAll('8080', String(port))))
  })
})

describe('behind HAProxy', needsHaproxy, () => {
  it.each([
    ['that speaks the PROXY protocol', 0],
    ['that adds x-forwarded-for', 1],
  ])('%s, each client has its own address', async (_what, n) => {
    const lines = snippets('haproxy')[n] ?? ''
    await tellsApart((port) => haproxy(lines.replace(/bind .*/, 'bind BIND').replaceAll('8080', String(port))))
  })
})

describe('behind Caddy', needsCaddy, () => {
  it('with the lines of the page each client has its own address', async () => {
    const [lines = ''] = snippets('caddyfile')
    await tellsApart((port) => caddy(lines.replaceAll('8080', String(port))))
  })
})

describe('a client that is no trusted proxy', () => {
  const proxied = Buffer.concat([
    Buffer.from('0d0a0d0a000d0a515549540a2111000c', 'hex'),
    Buffer.from([9, 9, 9, 9, 127, 0, 0, 1, 0, 80, 0, 80]),
  ])

  it('has the address of its socket, whatever it says', async () => {
    const { port, addresses } = await start({ trustedProxies: ['10.0.0.0/8', '2001:db8::/32'] })
    expect(await arrive(port, '127.0.0.5')).toBe('welcome')
    expect(addresses).toEqual(['127.0.0.5'])
  })

  it('is believed in nothing that it says before its request', async () => {
    const { port, addresses } = await start({ trustedProxies: ['127.0.0.9'] })
    const key = 'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-version: 13\r\n'
    const wanted = 'sec-websocket-protocol: bluetick.v1.json\r\nconnection: upgrade\r\nupgrade: websocket\r\n'
    for (const localAddress of ['127.0.0.8', '127.0.0.9']) {
      const socket = connectTcp({ port, host: '127.0.0.1', localAddress })
      socket.write(Buffer.concat([proxied, Buffer.from(`GET / HTTP/1.1\r\nhost: x\r\n${wanted}${key}\r\n`)]))
      await once(socket, 'data')
      // A text frame with an empty mask.
      socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | 17, 0, 0, 0, 0]), Buffer.from('["hello","alice"]')]))
      await once(socket, 'data')
      socket.destroy()
    }
    expect(addresses).toEqual(['127.0.0.8', '9.9.9.9'])
  })
})
