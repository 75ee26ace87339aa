/** What a device may leave on the server: keys in their one form, signed; all else is refused without an exception. */
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { prekeyStatement } from '../../../src/protocol/keys/prekeys.ts'
import { sign } from '../../../src/protocol/keys/signing.ts'
import { isPoint, parseUpload, type Upload, uploadBytes, uploadedAtOnce } from '../../../src/protocol/keys/upload.ts'
import { linesOf, unhex } from '../../client/e2ee/vectors.ts'

const owner = { realm: 'chat.example.org', user: 'bob', device: 'phone' }
const seed = new Uint8Array(32).fill(5)
const identity = ed25519.getPublicKey(seed)
const key = (number: number) => x25519.getPublicKey(new Uint8Array(32).fill(number))

function upload(changes: Partial<Upload> = {}, signing: Partial<Upload['signed']> = {}): Upload {
  const unsigned = { number: 1, key: key(1), suites: Uint8Array.of(1), ...signing }
  const signed = { ...unsigned, signature: sign(prekeyStatement(owner, unsigned), seed), ...signing }
  return { identity, signed, from: 1, first: 1, keys: [key(2), key(3)], ...changes }
}
const isTaken = (changes?: Partial<Upload>, signing?: Partial<Upload['signed']>) =>
  parseUpload(owner, uploadBytes(upload(changes, signing))) !== undefined

describe('an upload', () => {
  it('is read as it was written, with prekeys or without', () => {
    for (const keys of [[], [key(2)], [key(2), key(3)]])
      expect(parseUpload(owner, uploadBytes(upload({ keys })))).toEqual(upload({ keys }))
  })

  it.each<[string, Partial<Upload>, Partial<Upload['signed']>?]>([
    ['a key of low order', { keys: [new Uint8Array(32)] }],
    ['a key in another form', { keys: [key(2).map((byte, at) => (at === 31 ? byte | 0x80 : byte))] }],
    ['a key twice', { keys: [key(2), key(2)] }],
    ['the signed prekey among the others', { keys: [key(1)] }],
    ['a secret of 64 bytes', { keys: [new Uint8Array(64).fill(1)] }],
    ['text for a key', { keys: [new TextEncoder().encode('-----BEGIN PRIVATE KEY-----')] }],
    ['too many', { keys: Array.from({ length: uploadedAtOnce + 1 }, (_, at) => key(at + 2)) }],
    ['the number 0', { from: 0, first: 0 }],
    ['numbers that are void', { from: 5, first: 4 }],
    ['numbers that there are not', { first: 2 ** 32 - 1 }],
    ['another identity', { identity: ed25519.getPublicKey(new Uint8Array(32)) }],
    ['a signed prekey that is none', {}, { key: new Uint8Array(32) }],
    ['a signed prekey without a number', {}, { number: 0 }],
    ['no suite', {}, { suites: new Uint8Array(0) }],
    ['a signature of another', {}, { signature: new Uint8Array(64) }],
  ])('is refused with %s', (_, changes, signing) => {
    expect(isTaken()).toBe(true)
    expect(isTaken(changes, signing)).toBe(false)
  })

  it('is refused from another user, another device, another world', () => {
    for (const other of [{ user: 'alice' }, { device: 'tablet' }, { realm: '' }])
      expect(parseUpload({ ...owner, ...other }, uploadBytes(upload()))).toBeUndefined()
  })

  it('is refused without an exception, whatever the bytes', () => {
    const right = uploadBytes(upload())
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), fc.nat(255), fc.nat(), (noise, at, byte, length) => {
        expect(parseUpload(owner, noise)).toBeUndefined()
        expect(parseUpload(owner, right.subarray(0, length % right.length))).toBeUndefined()
        const end = right.length - 80 // The last two keys are not signed: there another byte is another key.
        const changed = right.map((was, index) => (index === at % end ? byte : was))
        if (String(changed) === String(right)) return
        const found = parseUpload(owner, changed)
        // Only the numbers can be others, and the server compares those with what it has.
        if (found) expect({ ...found, from: 1, first: 1 }).toEqual(upload())
      }),
      { numRuns: 500 },
    )
  })
})

it('knows a key as X25519 does: of low order are the same, and forms that are not canonical are none', () => {
  for (const { public: theirs = '', result } of linesOf('wycheproof-x25519')) {
    const bytes = unhex(theirs)
    const value = bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n)
    const isCanonical = value < 2n ** 255n - 19n
    expect(isPoint(bytes)).toBe(isCanonical && result !== 'low')
  }
})
