/** Of all keys that reading and writing make, those that are in no state are overwritten. */
import { expect, it, vi } from 'vitest'
import type * as symmetric from '../../../src/client/e2ee/symmetric.ts'

const made = vi.hoisted((): Uint8Array[] => [])
vi.mock('../../../src/client/e2ee/symmetric.ts', async (original) => {
  const real = await original<typeof symmetric>()
  const told = (bytes: Uint8Array) => {
    made.push(bytes)
    return bytes
  }
  return {
    ...real,
    hkdf: (...given: Parameters<typeof real.hkdf>) => told(real.hkdf(...given)),
    hmac: (...given: Parameters<typeof real.hmac>) => told(real.hmac(...given)),
  }
})
const { mustRead, mustWrite, talking } = await import('./devices.ts')
const { forget, packed } = await import('./kit.ts')

const isHeld = (state: Uint8Array, key: Uint8Array) => Buffer.from(state).includes(Buffer.from(key))

it('after messages that are missing, in a chain that goes on and in one that is new', async () => {
  let { alice, bob } = await talking()
  for (const turn of [1, 2]) {
    const missing = mustWrite(mustWrite(alice, 'one').pairing, 'two')
    const last = mustWrite(missing.pairing, 'three')
    made.length = 0
    const { pairing } = await mustRead(bob, last.part)
    forget(bob.ratchet, pairing.ratchet)
    const left = made.filter((key) => key.some((byte) => byte !== 0) && !isHeld(packed(pairing), key))
    expect(left, `turn ${turn}`).toEqual([])
    expect(made.length).toBeGreaterThan(5)
    const reply = mustWrite(pairing, 'reply')
    const back = await mustRead(last.pairing, reply.part)
    ;[alice, bob] = [back.pairing, reply.pairing]
  }
})
