import { createHmac } from 'node:crypto'
import { expect, it } from 'vitest'
import { jwtAuthenticate, makeToken } from '../../src/index.ts'

const secret = new TextEncoder().encode('0123456789abcdef0123456789abcdef')
const client = { device: 'phone' } as never

/** A token of another program, signed with the secret. */
function signed(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const text = `${part({ alg: 'HS256' })}.${part(claims)}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

it('a token names a user, and a device where it is bound to one', async () => {
  const authenticate = jwtAuthenticate(secret)
  const expires = Math.floor(Date.now() / 1000) * 1000 + 60_000
  const alice = await authenticate(await makeToken(secret, { user: 'alice' }, 60), client)
  expect(alice).toEqual({ user: 'alice', expires: expect.any(Number), issuedAt: expect.any(Number) })
  expect((alice?.expires ?? 0) - expires).toBeOneOf([0, 1_000])
  expect(alice?.issuedAt).toBe((alice?.expires ?? 0) - 60_000)
  const bound = await makeToken(secret, { user: 'alice', device: 'phone' }, 60)
  expect(await authenticate(bound, client)).toMatchObject({ user: 'alice', device: 'phone' })
})

it('a token that is over, is of another secret, or names nobody is for nobody', async () => {
  const authenticate = jwtAuthenticate(secret)
  expect(await authenticate(await makeToken(secret, { user: 'alice' }, -60), client)).toBeUndefined()
  expect(
    await authenticate(
      await makeToken(
        secret.map((byte) => byte ^ 1),
        { user: 'alice' },
        60,
      ),
      client,
    ),
  ).toBeUndefined()
  const exp = Math.floor(Date.now() / 1000) + 60
  const wrong = [{ sub: 5 }, { sub: null }, { sub: 'alice', device: 5 }, { sub: 'alice', device: null }]
  for (const claims of [{ exp }, ...wrong.map((claims) => ({ exp, ...claims }))])
    expect(await authenticate(signed(claims), client)).toBeUndefined()
  expect(await authenticate(signed({ exp, sub: 'alice' }), client)).toEqual({
    user: 'alice',
    expires: exp * 1000,
    issuedAt: 0,
  })
  expect(await authenticate(signed({ sub: 'alice', iat: 5 }), client)).toEqual({ user: 'alice', issuedAt: 5_000 })
})

it('a secret is 32 bytes or more, and no text', () => {
  expect(() => jwtAuthenticate('0123456789abcdef0123456789abcdef' as never)).toThrow('The secret must be bytes')
  expect(() => jwtAuthenticate(new Uint8Array(31))).toThrow('at least 32 bytes')
})

it('of several secrets each counts: one can follow another', async () => {
  const next = secret.map((byte) => byte ^ 1)
  const authenticate = jwtAuthenticate({ secrets: [next, secret] })
  for (const signs of [secret, next])
    expect(await authenticate(await makeToken(signs, { user: 'alice' }, 60), client)).toMatchObject({ user: 'alice' })
  const other = secret.map((byte) => byte ^ 2)
  expect(await authenticate(await makeToken(other, { user: 'alice' }, 60), client)).toBeUndefined()
})
