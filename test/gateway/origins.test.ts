/** Pages of other origins: which may come, and who is told of those that may not. */
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { createNode, type Fault, fileMedia, memoryStore, type NodeOptions } from '../../src/index.ts'

const nodes: ReturnType<typeof createNode>[] = []
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close()
})

async function start(options: Partial<NodeOptions> = {}) {
  const faults: Fault[] = []
  const media = fileMedia(mkdtempSync(join(tmpdir(), 'bluetick-origins-')))
  const node = createNode({ store: memoryStore(), media, onFault: (fault) => faults.push(fault), ...options })
  nodes.push(node)
  const { url } = await node.listen({ port: 0 })
  const http = url.replace('ws', 'http')
  const enters = async (origin: string, headers = {}) => {
    const socket = new WebSocket(url, 'bluetick.v1.json', { origin, headers })
    return once(socket, 'open').then(
      () => {
        socket.close()
        return true
      },
      (error) => error.message,
    )
  }
  return { http, faults, enters }
}
const refused = 'Unexpected server response: 403'
const vite = 'http://localhost:5173'
const authenticate = (token: string | null) => (token ? { user: token } : undefined)

describe('a node without a secret', () => {
  it('is for its own page, and tells whoever runs it which option lets another in, once a minute', async () => {
    const { http, faults, enters } = await start()
    expect(await enters(http)).toBe(true)
    expect(await enters(http.replace('127.0.0.1', 'localhost'))).toBe(refused)
    expect(await enters(vite)).toBe(refused)
    expect(faults).toEqual([
      {
        where: 'origin',
        error: expect.stringMatching(
          /^Pages of http:\/\/localhost:\d+ may not come here; --allow-origin, or allowOrigins/,
        ),
      },
    ])
  })

  it('lets in those that it was told of, also to its media', async () => {
    const { http, faults, enters } = await start({ allowOrigins: [vite] })
    expect(await enters(vite)).toBe(true)
    expect(await enters(http)).toBe(true)
    expect(await enters('http://localhost:5174')).toBe(refused)
    expect(faults).toHaveLength(1)
    const allowed = await fetch(`${http}/media/x`, { method: 'OPTIONS', headers: { origin: vite } })
    expect(allowed.headers.get('access-control-allow-origin')).toBe(vite)
    const other = await fetch(`${http}/media/x`, { method: 'OPTIONS', headers: { origin: 'http://evil.example' } })
    expect([other.status, other.headers.get('access-control-allow-origin')]).toEqual([403, null])
  })

  it('is for its own machine: what a proxy says that it brings is refused', async () => {
    const { http, faults, enters } = await start()
    for (const header of ['x-forwarded-for', 'x-real-ip', 'forwarded', 'via'])
      expect(await enters(http, { [header]: '198.51.100.7' })).toBe(refused)
    const brought = { 'x-forwarded-for': '198.51.100.7', authorization: 'Bearer alice' }
    expect((await fetch(`${http}/media/x`, { headers: brought })).status).toBe(403)
    expect(faults[0]?.error).toContain('for its own machine')
  })
})

describe('a node that asks for tokens', () => {
  it('takes pages of any origin', async () => {
    const { http, faults, enters } = await start({ authenticate })
    expect(await enters('https://chat.example')).toBe(true)
    const { headers } = await fetch(`${http}/media/x`, {
      method: 'OPTIONS',
      headers: { origin: 'https://chat.example' },
    })
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(faults).toEqual([])
  })

  it('takes those of a list, where it has one, and its own', async () => {
    const { http, enters } = await start({ authenticate, allowOrigins: ['https://chat.example'] })
    expect(await enters('https://chat.example')).toBe(true)
    expect(await enters(http)).toBe(true)
    expect(await enters('https://evil.example')).toBe(refused)
    expect(await enters('https://chat.example.evil.example')).toBe(refused)
  })
})

it('an origin has no path, and a trusted proxy is an address', () => {
  const node = (options: object) => () => createNode({ store: memoryStore(), ...options })
  expect(node({ allowOrigins: ['http://localhost:5173/'] })).toThrow(
    'createNode: allowOrigins must be a list of origins, such as http://localhost:5173',
  )
  expect(node({ allowOrigins: 'http://localhost:5173' })).toThrow(TypeError)
  for (const wrong of ['proxy.example', '10.0.0.0/33', '10.0.0.0/', ''])
    expect(node({ trustedProxies: [wrong] })).toThrow(/trustedProxies/)
  expect(
    node({ trustedProxies: ['10.0.0.0/8', '::1', '2001:db8::/32'], allowOrigins: ['capacitor://localhost', 'null'] }),
  ).not.toThrow()
})
