/** Signatures of identity keys: RFC 8032, Wycheproof, and what they are good for. */
import { ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { framed, unframed } from '../../../src/protocol/keys/bytes.ts'
import { isPrekeyOf, prekeyStatement } from '../../../src/protocol/keys/prekeys.ts'
import { isSigned, isSignedBytes, type Purpose, type Statement, sign } from '../../../src/protocol/keys/signing.ts'
import { hex, linesOf, unhex } from '../../client/e2ee/vectors.ts'

describe('the verifier', () => {
  it('takes what RFC 8032 has, and what it makes is the same', () => {
    const tests = linesOf('ed25519')
    expect(tests.length).toBe(65)
    for (const { secret = '', public: identity = '', message = '', signature = '' } of tests) {
      expect(isSignedBytes(unhex(message), unhex(signature), unhex(identity))).toBe(true)
      expect(hex(ed25519.sign(unhex(message), unhex(secret)))).toBe(signature)
    }
  })

  it('agrees with Wycheproof', () => {
    const tests = linesOf('wycheproof-ed25519')
    expect(tests.length).toBe(151)
    for (const { public: identity = '', message = '', signature = '', result } of tests)
      expect(isSignedBytes(unhex(message), unhex(signature), unhex(identity))).toBe(result === 'valid')
  })

  // That package was reviewed by others than its author; the one that is used is a quarter of its size.
  it('agrees with @noble/curves, also of what was changed in one bit', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
    fc.assert(
      fc.property(
        bytes(32),
        fc.uint8Array({ maxLength: 80 }),
        fc.nat(96 * 8 - 1),
        fc.boolean(),
        (seed, text, bit, flips) => {
          const made = [...ed25519.getPublicKey(seed), ...ed25519.sign(text, seed)]
          if (flips) made[bit >> 3] = (made[bit >> 3] as number) ^ (1 << (bit & 7))
          const [key, signature] = [Uint8Array.from(made.slice(0, 32)), Uint8Array.from(made.slice(32))]
          const expected = ed25519.verify(signature, text, key, { zip215: false })
          expect(isSignedBytes(text, signature, key)).toBe(expected)
          expect(expected).toBe(!flips)
        },
      ),
      { numRuns: 100 },
    )
  })

  it('takes no key of small order: its signature would be good for any text', () => {
    const identity = new Uint8Array(32).fill(1, 0, 1)
    const signature = new Uint8Array(64).fill(1, 0, 1)
    expect(ed25519.verify(signature, new Uint8Array(3), identity, { zip215: true })).toBe(true)
    expect(isSignedBytes(new Uint8Array(3), signature, identity)).toBe(false)
  })

  it.each([0, 31, 33])('takes no key of %i bytes', (length) => {
    expect(isSignedBytes(new Uint8Array(3), new Uint8Array(64), new Uint8Array(length))).toBe(false)
  })
})

const seed = new Uint8Array(32).fill(5)
const identity = ed25519.getPublicKey(seed)
const statementBytes = framed(['Bluetick/1/link', 'chat.example.org', 'alice', 1, new Uint8Array([9])])

describe('a signature', () => {
  const statement: Statement = { purpose: 'link', realm: 'chat.example.org', fields: ['alice', 1, new Uint8Array([9])] }
  const others: readonly (readonly [string, Statement])[] = [
    ...(['request', 'prekey', 'login'] as const).map(
      (purpose: Purpose) => [`another purpose, ${purpose}`, { ...statement, purpose }] as const,
    ),
    ['another realm', { ...statement, realm: 'chat.example.net' }],
    ['a field more', { ...statement, fields: [...statement.fields, ''] }],
    ['a field less', { ...statement, fields: statement.fields.slice(1) }],
    ['bytes moved between fields', { ...statement, fields: ['alic', 1, new Uint8Array([9])] }],
    ['the realm moved into the fields', { ...statement, realm: '', fields: ['chat.example.org', 'alice', 1] }],
  ]

  it('is good for what was signed, and is what another implementation makes', () => {
    expect(ed25519.verify(sign(statement, seed), statementBytes, identity, { zip215: false })).toBe(true)
    expect(isSigned(statement, sign(statement, seed), identity)).toBe(true)
  })

  it.each(others)('is not good for %s', (_, other) => {
    expect(isSigned(other, sign(statement, seed), identity)).toBe(false)
  })
})

describe('a signed prekey', () => {
  const owner = { realm: 'chat.example.org', user: 'bob', device: 'phone' }
  const unsigned = { number: 3, key: new Uint8Array(32).fill(4), suites: Uint8Array.of(1) }
  const prekey = { ...unsigned, signature: sign(prekeyStatement(owner, unsigned), seed) }

  it('is of its device', () => expect(isPrekeyOf(owner, identity, prekey)).toBe(true))

  it.each([
    ['another realm', { ...owner, realm: '' }, prekey],
    ['another user', { ...owner, user: 'mallory' }, prekey],
    ['another device', { ...owner, device: 'tablet' }, prekey],
    ['with another number', owner, { ...prekey, number: 4 }],
    ['with another key', owner, { ...prekey, key: new Uint8Array(32) }],
    ['with a suite taken away', owner, { ...prekey, suites: new Uint8Array(0) }],
    ['with a suite that was added', owner, { ...prekey, suites: Uint8Array.of(1, 2) }],
  ])('is not of %s', (_, other, changed) => expect(isPrekeyOf(other, identity, changed)).toBe(false))
})

describe('fields', () => {
  it('are read as they were written', () => {
    const fields = [new Uint8Array(0), new Uint8Array([1, 2]), new Uint8Array(300)]
    expect(unframed(framed(fields))).toEqual(fields)
    expect(unframed(framed(['é', 7]))).toEqual([new Uint8Array([0xc3, 0xa9]), new Uint8Array([0, 0, 0, 7])])
  })

  it('are none where a byte is missing, or one is too much', () => {
    const whole = framed(['alice', 7])
    expect(unframed(whole.subarray(0, -1))).toBeUndefined()
    expect(unframed(new Uint8Array([...whole, 0]))).toBeUndefined()
    expect(unframed(new Uint8Array([0xff, 0xff, 0xff, 0xff]))).toBeUndefined()
  })
})
