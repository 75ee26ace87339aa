/** HKDF, HMAC, AES-256-CBC and what is made of them: RFC 5869, RFC 4231, NIST, Wycheproof. */
import { expect, it } from 'vitest'
import { cbcDecrypt, cbcEncrypt, hkdf, hmac, open, seal } from '../../../src/client/e2ee/symmetric.ts'
import { hex, linesOf, unhex } from './vectors.ts'

it('derives as RFC 5869 and Wycheproof say', () => {
  const tests = [...linesOf('rfc-5869'), ...linesOf('wycheproof-hkdf-sha256')]
  expect(tests.length).toBe(3 + 86)
  for (const { secret = '', salt = '', info = '', length, output, result } of tests) {
    const derive = () => hex(hkdf(unhex(secret), unhex(salt), unhex(info), Number(length)))
    // There it is longer than HKDF can make.
    if (result === 'invalid') expect(derive).toThrow()
    else expect(derive()).toBe(output)
  }
})

it('authenticates as RFC 4231 and Wycheproof say', () => {
  const tests = [...linesOf('rfc-4231'), ...linesOf('wycheproof-hmac-sha256')]
  expect(tests.length).toBe(6 + 174)
  for (const { key = '', message = '', tag = '', result } of tests) {
    const made = hex(hmac(unhex(key), unhex(message))).slice(0, tag.length)
    expect(made === tag).toBe(result !== 'invalid')
  }
})

it('encrypts as NIST says, with a block of padding behind', () => {
  const tests = linesOf('nist-aes-256-cbc')
  expect(tests.length).toBeGreaterThan(40)
  for (const { key = '', iv = '', text = '', ciphertext } of tests) {
    const made = cbcEncrypt(unhex(key), unhex(iv), unhex(text))
    expect(hex(made.subarray(0, -16))).toBe(ciphertext)
    expect(hex(cbcDecrypt(unhex(key), unhex(iv), made) ?? new Uint8Array())).toBe(text)
  }
})

it('decrypts what Wycheproof has as valid, and nothing else', () => {
  const tests = linesOf('wycheproof-aes-cbc-pkcs5')
  expect(tests.length).toBe(72)
  for (const { key = '', iv = '', text, ciphertext = '', result } of tests) {
    const made = cbcDecrypt(unhex(key), unhex(iv), unhex(ciphertext))
    expect(made && hex(made)).toBe(result === 'valid' ? text : undefined)
  }
})

it('opens what was sealed with the same key for the same thing, and nothing else', () => {
  const [key, ad] = [new Uint8Array(32).fill(7), new Uint8Array([1, 2, 3])]
  for (const length of [0, 1, 15, 16, 17, 2048]) {
    const text = new Uint8Array(length).fill(length)
    const sealed = seal(key, text, ad)
    expect(sealed.length).toBe(length + 16 - (length % 16) + 32)
    expect(open(key, sealed, ad)).toEqual(text)
    expect(open(new Uint8Array(32), sealed, ad)).toBeUndefined()
    expect(open(key, sealed, ad.subarray(1))).toBeUndefined()
    expect(open(key, sealed.subarray(1), ad)).toBeUndefined()
    expect(open(key, sealed.subarray(0, -1), ad)).toBeUndefined()
    for (const at of sealed.keys()) expect(open(key, flipped(sealed, at), ad)).toBeUndefined()
  }
  expect(open(key, new Uint8Array(0), ad)).toBeUndefined()
})

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const other = bytes.slice()
  other[at] = (other[at] ?? 0) ^ 1
  return other
}
