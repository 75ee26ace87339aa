/** Sealed bodies: what is in them comes out again, and whatever is no such body says so. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DeviceId } from '../../../src/protocol/ids.ts'
import { bundlesBytes, bundlesIn, type ServedBundle } from '../../../src/protocol/keys/bundles.ts'
import { keptBody, type Sent, sentBody, sentIn, toldIn, toldTo } from '../../../src/protocol/keys/parts.ts'
import { isQuiet, isSealed } from '../../../src/protocol/sealed.ts'

const device = (name: string) => name as DeviceId
const bytes = (...numbers: number[]) => Uint8Array.from(numbers)
const parts = [
  { device: device('phone'), type: 1, bytes: bytes(1, 2) },
  { device: device('laptop'), type: 2, bytes: bytes() },
]
const sent: Sent = { theirs: 3, mine: 7, parts, own: [{ device: device('tablet'), type: 2, bytes: bytes(9) }] }

describe('a sealed body', () => {
  it('is known by its first bytes, and no text is one', () => {
    expect(isSealed(sentBody(sent))).toBe(true)
    expect(isSealed('\u00ffsealed\u0001')).toBe(false)
    expect(isSealed(bytes())).toBe(false)
    expect(isSealed(sentBody(sent).subarray(0, 7))).toBe(false)
  })

  it('says what was sent, and whether a device says it to another', () => {
    expect(sentIn(sentBody(sent), 128)).toEqual({ ...sent, quiet: false })
    const quiet = sentBody({ ...sent, quiet: true })
    expect(sentIn(quiet, 128)).toEqual({ ...sent, quiet: true })
    const told = toldTo(keptBody({ from: device('desk'), parts, quiet: true }), device('phone'))
    expect([sentBody(sent), quiet, told].map(isQuiet)).toEqual([false, true, true])
  })

  it('gives each device its own part, and none to others', () => {
    const kept = keptBody({ from: device('desk'), parts })
    expect(toldIn(toldTo(kept, device('phone')))).toEqual({ from: 'desk', part: { type: 1, bytes: bytes(1, 2) } })
    expect(toldIn(toldTo(kept, device('laptop')))).toEqual({ from: 'desk', part: { type: 2, bytes: bytes() } })
    expect(toldIn(toldTo(kept, device('watch')))).toEqual({ from: 'desk', part: undefined })
    expect(toldTo(kept, device('phone')).length).toBeLessThan(kept.length)
  })

  it('is none where a device is named twice, has a name that cannot be, or one form stands for another', () => {
    const twice = { ...sent, parts: [...parts, ...parts] }
    expect(sentIn(sentBody(twice), 128)).toBeUndefined()
    expect(sentIn(sentBody({ ...sent, parts: [{ ...parts[0], device: device('') } as never] }), 128)).toBeUndefined()
    expect(sentIn(sentBody(sent), 3)).toBeUndefined()
    expect(sentIn(keptBody({ from: device('desk'), parts }), 128)).toBeUndefined()
    expect(toldIn(sentBody(sent))).toBeUndefined()
  })

  it('is none where its bytes are cut or others: nothing throws', () => {
    const whole = sentBody(sent)
    for (let end = 0; end < whole.length; end++) expect(sentIn(whole.subarray(0, end), 128)).toBeUndefined()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(whole.length - 1), (noise, at) => {
        const changed = whole.slice()
        changed.set(noise.subarray(0, changed.length - at), at)
        for (const body of [changed, noise]) {
          sentIn(body, 128)
          toldIn(body)
          toldTo(body, device('phone'))
          bundlesIn(body)
        }
      }),
    )
  })
})

it('bundles are as they were, with a prekey for one use or without', () => {
  const signed = { number: 4, key: bytes(5), suites: bytes(1), signature: bytes(6) }
  const bundles: ServedBundle[] = [
    { identity: bytes(7), signed, once: { number: 8, key: bytes(9) } },
    { identity: bytes(8), signed, once: undefined },
  ]
  expect(bundlesIn(bundlesBytes(bundles))).toEqual(bundles)
  expect(bundlesIn(bundlesBytes([]))).toEqual([])
})
