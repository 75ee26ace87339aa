/** Tokens of an issuer: by the keys that it publishes, whatever becomes of it. */
import { createServer, type Server } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { jwtAuthenticate, makeToken } from '../../src/index.ts'
import { freePort } from '../ports.ts'

type Key = { readonly kid: string; readonly alg: string; readonly pair: Awaited<ReturnType<typeof generateKeyPair>> }
const client = { device: null, address: '127.0.0.1' }

async function keyOf(kid: string, alg: string): Promise<Key> {
  return { kid, alg, pair: await generateKeyPair(alg, { extractable: true }) }
}
const tokenOf = ({ kid, alg, pair }: Key, claims: object = {}, expires = '1m') =>
  new SignJWT({ sub: 'alice', ...claims })
    .setProtectedHeader({ alg, kid })
    .setExpirationTime(expires)
    .sign(pair.privateKey)

let published: readonly Key[]
let asked: number
let status: number
let server: Server
let jwks: string

async function start(port: number): Promise<void> {
  server = createServer(async (_request, response) => {
    asked += 1
    const keys = published.map(async ({ kid, alg, pair }) => ({ ...(await exportJWK(pair.publicKey)), kid, alg }))
    response.writeHead(status).end(JSON.stringify({ keys: await Promise.all(keys) }))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
}
const stop = () =>
  new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  })

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  ;[published, asked, status] = [[], 0, 200]
  const port = await freePort()
  jwks = `http://127.0.0.1:${port}/jwks`
  await start(port)
})
afterEach(async () => {
  vi.useRealTimers()
  await stop()
})

it.each(['RS256', 'ES256', 'EdDSA'])('a token that the issuer has signed with %s names its user', async (alg) => {
  const key = await keyOf('one', alg)
  published = [key]
  const authenticate = jwtAuthenticate({ jwks })
  const token = await tokenOf(key, { device: 'phone' })
  expect(await authenticate(token, client)).toMatchObject({ user: 'alice', device: 'phone' })
  expect(await authenticate(await tokenOf(await keyOf('one', alg)), client)).toBeUndefined()
  expect(await authenticate(await tokenOf(key, {}, '-1m'), client)).toBeUndefined()
  expect(asked).toBe(1)
})

it('iss and aud must be what they should be, of tokens by a secret too', async () => {
  const key = await keyOf('one', 'ES256')
  published = [key]
  const [issuer, audience] = ['https://id.example', 'chat']
  const secret = new Uint8Array(32)
  const authenticate = jwtAuthenticate({ jwks, issuer, audience, secrets: [secret] })
  const right = { iss: issuer, aud: ['shop', audience] }
  expect(await authenticate(await tokenOf(key, right), client)).toMatchObject({ user: 'alice' })
  for (const wrong of [{ iss: 'https://other.example' }, { aud: 'shop' }, { iss: undefined }, { aud: undefined }])
    expect(await authenticate(await tokenOf(key, { ...right, ...wrong }), client)).toBeUndefined()
  const made = await makeToken(secret, { user: 'bob', issuer, audience }, 60)
  expect(await authenticate(made, client)).toMatchObject({ user: 'bob' })
  expect(await authenticate(await makeToken(secret, { user: 'bob', issuer }, 60), client)).toBeUndefined()
})

it('a public key is no secret, and a secret no public key', async () => {
  const key = await keyOf('one', 'RS256')
  published = [key]
  const jwk = new TextEncoder().encode(JSON.stringify(await exportJWK(key.pair.publicKey)))
  const forged = await new SignJWT({ sub: 'alice' }).setProtectedHeader({ alg: 'HS256', kid: 'one' }).sign(jwk)
  expect(await jwtAuthenticate({ jwks })(forged, client)).toBeUndefined()
  expect(await jwtAuthenticate({ secrets: [new Uint8Array(32)] })(await tokenOf(key), client)).toBeUndefined()
})

it('a key that the issuer has not published is asked for once in 5 s; a new one counts from when it is there', async () => {
  const [first, second] = [await keyOf('one', 'ES256'), await keyOf('two', 'ES256')]
  published = [first]
  const authenticate = jwtAuthenticate({ jwks })
  expect(await authenticate(await tokenOf(first), client)).toMatchObject({ user: 'alice' })
  // It may be new: whoever has it comes back.
  await expect(authenticate(await tokenOf(second), client)).rejects.toThrow('read a moment ago, have none for "two"')
  expect(asked).toBe(1)
  vi.advanceTimersByTime(5_000)
  expect(await authenticate(await tokenOf(second), client)).toBeUndefined()
  expect(asked).toBe(2)
  published = [second]
  vi.advanceTimersByTime(5_000)
  expect(await authenticate(await tokenOf(second), client)).toMatchObject({ user: 'alice' })
  expect(await authenticate(await tokenOf(second), client)).toMatchObject({ user: 'alice' })
  expect(asked).toBe(3)
})

it('while the issuer is away, known keys count for a day, and nobody with another is sent away for good', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const [known, other] = [await keyOf('one', 'EdDSA'), await keyOf('two', 'EdDSA')]
  published = [known]
  const authenticate = jwtAuthenticate({ jwks })
  const port = Number(new URL(jwks).port)
  await stop()
  await expect(authenticate(await tokenOf(known), client)).rejects.toThrow(`the keys at ${jwks} cannot be read`)
  await start(port)
  vi.advanceTimersByTime(5_000)
  expect(await authenticate(await tokenOf(known), client)).toMatchObject({ user: 'alice' })
  await stop()
  vi.advanceTimersByTime(700_000)
  for (let n = 0; n < 3; n++) expect(await authenticate(await tokenOf(known), client)).toMatchObject({ user: 'alice' })
  await expect.poll(() => warned.mock.calls.length).toBe(1)
  expect(warned.mock.calls[0]?.[0]).toContain('those that are known count for a day')
  await expect(authenticate(await tokenOf(other), client)).rejects.toThrow('cannot be read')
  vi.advanceTimersByTime(86_400_000)
  await expect(authenticate(await tokenOf(known), client)).rejects.toThrow('cannot be read')
  await start(port)
  status = 503
  vi.advanceTimersByTime(5_000)
  await expect(authenticate(await tokenOf(known), client)).rejects.toThrow('Expected 200 OK')
  status = 200
  vi.advanceTimersByTime(5_000)
  expect(await authenticate(await tokenOf(known), client)).toMatchObject({ user: 'alice' })
})

it('what cannot be is told at once', () => {
  for (const [options, words] of [
    [{}, 'needs secrets, or jwks'],
    [{ jwks: 'http://id.example/jwks' }, 'must be an address of https'],
    [{ jwks: 'keys' }, 'must be an address of https'],
    [{ secrets: ['0123456789abcdef0123456789abcdef'] }, 'The secret must be bytes'],
    [{ jwks, issuers: 'a' }, 'has no option issuers'],
  ] as const)
    expect(() => jwtAuthenticate(options as never), words).toThrow(words)
})
