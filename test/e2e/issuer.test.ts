/** A node whose tokens a real OpenID provider issues: they are good for 5 s, its keys rotate, and it is away for a while. */
import type { Server } from 'node:http'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import Provider, { type Configuration } from 'oidc-provider'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Client, connect } from '../../src/client/index.ts'
import { createNode, jwtAuthenticate, memoryStore } from '../../src/index.ts'
import { freePort } from '../ports.ts'

/** With `RENEWALS=20`, on a machine that is otherwise idle, no connection may end. On a busy one some may come late with a token, and come back. */
const asked = process.env['RENEWALS']
const renewals = Number(asked ?? 4)
const names = Array.from({ length: 100 }, (_, n) => `user${n}`)
const audience = 'urn:chat'
const tokenSeconds = 5

let port: number
let server: Server | undefined
let issued = 0

async function keyOf(kid: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return { ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' }
}

async function provide(keys: JWK[]): Promise<void> {
  const configuration: Configuration = {
    jwks: { keys } as NonNullable<Configuration['jwks']>,
    clients: names.map((client_id) => ({
      client_id,
      client_secret: `secret of ${client_id}`,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    })),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          scope: 'chat',
          audience,
          accessTokenFormat: 'jwt',
          accessTokenTTL: tokenSeconds,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  }
  const provider = new Provider(`http://127.0.0.1:${port}`, configuration)
  server = await new Promise<Server>((resolve) => {
    const listening: Server = provider.listen(port, '127.0.0.1', () => resolve(listening))
  })
}

async function kill(): Promise<void> {
  const ending = server
  server = undefined
  if (!ending) return
  const ended = new Promise((resolve) => ending.close(resolve))
  ending.closeAllConnections()
  await ended
}

/** As a service would: it asks until it gets one. */
async function tokenOf(name: string): Promise<string> {
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${name}:${encodeURIComponent(`secret of ${name}`)}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource: audience, scope: 'chat' }),
    }).catch(() => undefined)
    const { access_token: token } = response?.ok ? ((await response.json()) as { access_token?: string }) : {}
    if (token) {
      issued += 1
      return token
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

beforeAll(async () => {
  port = await freePort()
})
afterAll(kill)

it(`100 clients stay online through ${renewals} renewals, other keys, and an issuer that is away`, async () => {
  const [first, second] = [await keyOf('first'), await keyOf('second')]
  await provide([first])
  const authenticate = jwtAuthenticate({
    jwks: `http://127.0.0.1:${port}/jwks`,
    issuer: `http://127.0.0.1:${port}`,
    audience,
  })
  const node = createNode({ store: memoryStore(), authenticate, onFault: ({ error }) => faults.push(String(error)) })
  const faults: string[] = []
  const { url } = await node.listen({ port: 0 })
  const left: Client['connection'][] = []
  const clients: Client[] = names.map((name) => connect({ url, token: () => tokenOf(name) }))
  await expect.poll(() => clients.every(({ connection }) => connection.is === 'online')).toBe(true)
  for (const client of clients) client.on('connection', (now) => now.is !== 'online' && left.push(now))
  const rounds = async (count: number) => {
    const until = issued + count * names.length
    await expect.poll(() => issued, { interval: 100 }).toBeGreaterThanOrEqual(until)
  }
  await rounds(renewals / 2)
  // The next key is published beside the former one, then signs, then stands alone.
  await kill()
  await provide([second, first])
  await rounds(1)
  await kill()
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  await provide([second])
  await rounds(renewals / 2)
  expect(left.filter(({ is }) => asked !== undefined || is === 'closed')).toEqual([])
  await expect.poll(() => clients.every(({ connection }) => connection.is === 'online')).toBe(true)
  expect(faults).toEqual([])
  await Promise.all(clients.map((client) => client.close()))
  await node.close()
}, 300_000)
