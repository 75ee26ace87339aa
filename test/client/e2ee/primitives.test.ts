/** X25519 by both backends: RFC 7748, and the odd points of Wycheproof. */
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { describe, expect, it, vi } from 'vitest'
import { Engine } from '../../../src/client/e2ee/engine.ts'
import { Own } from '../../../src/client/e2ee/own.ts'
import { plainPrimitives } from '../../../src/client/e2ee/plain.ts'
import { newKeyPair, type Primitives } from '../../../src/client/e2ee/primitives.ts'
import { identityOf, pointOf } from '../../../src/client/e2ee/x3dh.ts'
import { memoryStorage } from '../../../src/client/storage.ts'
import { platformPrimitives } from './kit.ts'
import { hex, linesOf, unhex } from './vectors.ts'

const backends: readonly (readonly [string, Primitives])[] = [
  ['plain JavaScript', plainPrimitives],
  ['WebCrypto', await platformPrimitives()],
]

it('has two backends here', () => expect(backends[1]?.[1]).not.toBe(plainPrimitives))

it.each([
  // `undefined` would be what the platform has.
  ['no WebCrypto, as on a page without TLS', null],
  ['a WebCrypto without X25519', { importKey: () => Promise.reject(new Error('no such name')) }],
  ['one that answers wrongly', { importKey: async () => ({}), deriveBits: async () => new ArrayBuffer(32) }],
])('takes the plain one where there is %s', async (_, subtle) => {
  expect(await platformPrimitives(subtle as unknown as SubtleCrypto)).toBe(plainPrimitives)
})

describe.each(backends)('X25519 in %s', (_, primitives) => {
  const agree = async (secret: Uint8Array, theirs: Uint8Array) =>
    (await primitives.agree(secret, theirs)) ?? new Uint8Array()

  it('computes RFC 7748', async () => {
    for (const { secret = '', public: theirs = '', shared } of linesOf('rfc-7748'))
      expect(hex(await agree(unhex(secret), unhex(theirs)))).toBe(shared)
    let [k, u] = [unhex('09'.padEnd(64, '0')), unhex('09'.padEnd(64, '0'))]
    for (let times = 0; times < 1000; times++) [k, u] = [await agree(k, u), k]
    expect(hex(k)).toBe('684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51')
  })

  it('agrees with Wycheproof, and refuses points of low order alone', async () => {
    const tests = linesOf('wycheproof-x25519')
    const found = new Map<string, number>()
    for (const { private: secret = '', public: theirs = '', shared, result = '' } of tests) {
      const made = await primitives.agree(unhex(secret), unhex(theirs))
      expect(made && hex(made)).toBe(result === 'low' ? undefined : shared)
      found.set(result, (found.get(result) ?? 0) + 1)
    }
    expect(Object.fromEntries(found)).toEqual({ valid: 264, acceptable: 223, low: 31 })
  })

  it('makes pairs that agree, never twice the same', async () => {
    const [one, other] = await Promise.all([newKeyPair(primitives), newKeyPair(primitives)])
    expect(await agree(one.secret, other.public)).toEqual(await agree(other.secret, one.public))
    expect(hex(one.secret)).not.toBe(hex(other.secret))
  })
})

it('an identity key is the same point and secret for X25519 as @noble/curves makes of it', () => {
  for (let n = 0; n < 20; n++) {
    const { seed, public: key, agreeing } = identityOf(plainPrimitives.random(32))
    expect(hex(key)).toBe(hex(ed25519.getPublicKey(seed)))
    expect(hex(x25519.getPublicKey(agreeing))).toBe(hex(ed25519.utils.toMontgomery(key)))
    expect(hex(pointOf(key) ?? new Uint8Array())).toBe(hex(ed25519.utils.toMontgomery(key)))
  }
  expect(pointOf(new Uint8Array(32).fill(255))).toBe(undefined)
})

it('is loaded anew where it could not be loaded before', async () => {
  const none = vi.spyOn(crypto.subtle, 'importKey').mockRejectedValue(new Error('no such name'))
  let failures = 1
  const plain = async () => {
    if (failures-- > 0) throw new Error('offline')
    return plainPrimitives
  }
  const never = () => Promise.reject(new Error('not asked for'))
  const later = { plain, groups: never, linking: never, media: never, repairs: never }
  const engine = new Engine(
    {},
    memoryStorage(),
    () => {},
    () => {},
    later,
    undefined as never,
  )
  await expect(engine.primitives()).rejects.toThrow('offline')
  expect(await engine.primitives()).toBe(plainPrimitives)
  none.mockRestore()
})

it('a device without an identity yet takes none for its own, and is in no chain', () => {
  const own = new Own()
  expect(own.proves([])).toBeUndefined()
  expect(own.is(new Uint8Array(32))).toBe(false)
})
