import { expect, it } from 'vitest'
import { safetyNumber } from '../../../src/client/e2ee/number.ts'

const realm = 'chat.example.org'
const alice = { user: 'alice', identity: new Uint8Array(32).fill(1) }
const bob = { user: 'bob', identity: new Uint8Array(32).fill(2) }

it('is 60 digits, the same on both sides', () => {
  const number = safetyNumber(realm, alice, bob)
  expect(number).toMatch(/^(\d{5} ){11}\d{5}$/)
  expect(safetyNumber(realm, bob, alice)).toBe(number)
  // Of this form for ever: two versions of the SDK compare.
  expect(number).toBe('67994 19281 63783 02819 23057 09133 79737 70195 88300 30422 96891 57915')
})

it('is another one for another key, another name, another world', () => {
  const others = [
    safetyNumber(realm, alice, { ...bob, identity: new Uint8Array(32).fill(3) }),
    safetyNumber(realm, alice, { ...bob, user: 'mallory' }),
    safetyNumber('chat.example.net', alice, bob),
    safetyNumber(realm, { ...alice, identity: bob.identity }, { ...bob, identity: alice.identity }),
    safetyNumber(realm, alice, bob),
  ]
  expect(new Set(others).size).toBe(others.length)
})
