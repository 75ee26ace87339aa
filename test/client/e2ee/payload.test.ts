/** What is sealed, as bytes: it comes out again, its size tells little, and what nobody wrote is not read. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { keyIn, keyPayload, type Payload, payloadBytes, payloadIn } from '../../../src/client/e2ee/payload.ts'
import { compact, compactIn, numberIn, varint, varintAt } from '../../../src/protocol/keys/bytes.ts'
import { keptBody } from '../../../src/protocol/keys/parts.ts'

const hash = (value: number) => new Uint8Array(32).fill(value)
const mine = { n: 3, hash: hash(1) }
const theirs = { n: 300, hash: hash(2) }
/** As it is carried. */
const short = { mine: { n: 3, hash: hash(1).slice(0, 16) }, theirs: { n: 300, hash: hash(2).slice(0, 16) } }
const id = '01890a5d-ac96-774b-bcce-b302099a8057'

it('what was written is read, with the first 16 bytes of how far both chains were followed', () => {
  const payloads: Omit<Payload, 'mine' | 'theirs'>[] = [
    { body: '', of: '' },
    { body: 'é'.repeat(5_000), of: '' },
    { body: new Uint8Array([0, 1, 255]), of: '' },
    { body: '', of: id, says: 'ask' },
    { body: '{}', of: '#sealed-x', says: 'members' },
    { body: 'again', of: id, chat: 'bob' },
    { body: 'bob', of: '', change: 'add', list: '{"n":0}', heads: new Uint8Array(40).fill(7) },
  ]
  for (const payload of payloads)
    expect(payloadIn(payloadBytes({ ...payload, mine, theirs }))).toEqual({ ...payload, ...short })
  const none = { n: 0, hash: new Uint8Array(0) }
  expect(payloadIn(payloadBytes({ body: 'x', mine, theirs: none }))?.theirs).toEqual(none)
})

it('sizes are powers of two up to 2 KiB and then whole KiB, of which AES takes one byte; 200 bytes fit 256', () => {
  const sizes = new Set<number>()
  for (let length = 0; length < 5_000; length++)
    sizes.add(payloadBytes({ body: 'x'.repeat(length), mine, theirs }).length + 1)
  expect([...sizes]).toEqual([64, 128, 256, 512, 1_024, 2_048, 3_072, 4_096, 5_120, 6_144].slice(0, sizes.size))
  expect(payloadBytes({ body: 'x'.repeat(200), mine, theirs }).length).toBe(255)
  // With a header of 34 bytes or an opening of 34 more, and the tag: what an inbox keeps of it for two devices.
  const [later, first] = [new Uint8Array(1 + 34 + 256 + 32), new Uint8Array(1 + 34 + 34 + 256 + 32)]
  const parts = [
    { device: 'phone', type: 2, bytes: later },
    { device: 'laptop', type: 1, bytes: first },
  ]
  expect(keptBody({ from: 'phone', parts } as never).length).toBeLessThan(720)
})

it('what is of another version, has a field more or a head that is none, or is cut, is not read', () => {
  const whole = payloadBytes({ body: 'hello', mine, theirs, of: 'x' })
  const head = [1, ...hash(1).slice(0, 16)]
  const made = (...fields: number[][]) =>
    payloadIn(Uint8Array.from([1, 0, ...compact(fields.map((field) => Uint8Array.from(field))), 0, 0]))
  const none = [[], [], [], [], [], [], []]
  expect(made([65], head, head)).toMatchObject({ body: 'A' })
  expect(made([65], head, head, ...none, [], [])).toMatchObject({ body: 'A' })
  expect(made([65], head, head, ...none, [], [1])).toBeUndefined()
  for (const wrong of [[], [1], head.slice(1), [...head, 1], [128, 0, ...head.slice(1)]])
    expect(made([65], head, wrong)).toBeUndefined()
  for (let end = 0; end < 45; end++) expect(payloadIn(whole.slice(0, end))).toBeUndefined()
  expect(payloadIn(Uint8Array.from([2, ...whole.slice(1)]))).toBeUndefined()
  expect(payloadIn(Uint8Array.from([1, 99, ...whole.slice(2)]))).toBeUndefined()
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (noise) => void payloadIn(noise)))
})

it('the key of a text of a group is no payload, and the other way round', () => {
  const key = new Uint8Array(32).fill(9)
  expect(keyIn(keyPayload(key))).toEqual(key)
  expect(payloadIn(keyPayload(key))).toBeUndefined()
  expect(keyIn(payloadBytes({ body: '', mine, theirs }))).toBeUndefined()
})

it('numbers and lists have one form each', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 32 - 1), (value) => {
      const bytes = varint(value)
      expect(varintAt(bytes, 0)).toEqual([value, bytes.length])
      expect(numberIn(bytes)).toBe(value)
    }),
  )
  for (const wrong of [[], [128], [128, 0], [255, 255, 255, 255, 16], [128, 128, 128, 128, 128, 1], [1, 0]])
    expect(numberIn(Uint8Array.from(wrong))).toBeUndefined()
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), fc.uint8Array(), (fields, noise) => {
      expect(compactIn(compact(fields))?.map((field) => [...field])).toEqual(fields.map((field) => [...field]))
      const found = compactIn(noise)
      if (found) expect(compact(found)).toEqual(noise)
    }),
  )
})
