import fc from 'fast-check'
import { Packr, Unpackr } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { msgpackCodec } from '../../src/protocol/msgpack.ts'
import { Reader } from '../../src/protocol/reader.ts'
import { Writer } from '../../src/protocol/writer.ts'

const options = { useRecords: false, variableMapSize: true, int64AsType: 'number' } as const
const packr = new Packr(options)
const unpackr = new Unpackr({ ...options, copyBuffers: true })

const number = fc.oneof(
  fc.integer({ min: -200, max: 70_000 }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(2 ** 31, 2 ** 32 - 1, 2 ** 32, -(2 ** 31), -(2 ** 31) - 1, 0.5, -0.5),
)
const text = fc.oneof(
  fc.string({ maxLength: 80 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.integer({ min: 1, max: 300 }).map((length) => 'é'.repeat(length)),
)
const bytes = fc.uint8Array({ maxLength: 40 })
const scalar = fc.oneof(number, text, bytes, fc.boolean(), fc.constant(null))
const map = fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), scalar, { maxKeys: 15, noNullPrototype: true })
const item = fc.oneof(scalar, fc.array(scalar, { maxLength: 40 }), map, fc.array(map, { maxLength: 3 }))
const frame = fc.array(item, { maxLength: 15 })

describe('what msgpackr reads and writes is the reference', () => {
  it('writes what it reads', () => {
    const writer = new Writer()
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 3 }), (frames) => {
        writer.begin()
        for (const frame of frames) writer.value(frame)
        expect(unpackr.unpackMultiple(Uint8Array.from(writer.take()))).toEqual(frames)
      }),
      { numRuns: 60 },
    )
  })

  it('reads what it writes', () => {
    fc.assert(
      fc.property(frame, (frame) => {
        const packed = Uint8Array.from(packr.pack(frame))
        for (const lent of [true, false]) expect(new Reader(packed, lent).frame()).toEqual(frame)
      }),
      { numRuns: 60 },
    )
  })

  it('agrees with it on all lengths, at any place of a slab', () => {
    const writer = new Writer()
    for (const length of [31, 32, 255, 256, 65_535, 65_536, 200_000])
      for (const item of ['x'.repeat(length), 'é'.repeat(length), new Uint8Array(length).fill(7)]) {
        writer.begin()
        writer.value([1, item, 2])
        const packed = Buffer.from(packr.pack([1, item, 2]))
        expect(packed.equals(writer.take()), `${typeof item} of ${length}`).toBe(true)
        const [first, read, last] = new Reader(new Uint8Array(packed), true).frame() ?? []
        expect([first, last]).toEqual([1, 2])
        expect(typeof item === 'string' ? item === read : Buffer.from(item).equals(read as Uint8Array)).toBe(true)
      }
  })

  it('reads every width of a number', () => {
    const wire = [
      [0xcc, 200],
      [0xcd, 1, 0],
      [0xce, 255, 255, 255, 255],
      [0xcf, 0, 0, 0, 1, 0, 0, 0, 2],
      [0xd0, 0x80],
      [0xd1, 0x80, 0],
      [0xd2, 0x80, 0, 0, 0],
      [0xd3, 255, 255, 255, 255, 255, 255, 255, 254],
      [0xca, 0x3f, 0, 0, 0],
      [0xe0],
    ]
    expect(new Reader(Uint8Array.from([0x9a, ...wire.flat()]), true).frame()).toEqual([
      200,
      256,
      2 ** 32 - 1,
      2 ** 32 + 2,
      -128,
      -32_768,
      -(2 ** 31),
      -2,
      0.5,
      -32,
    ])
  })
})

it('keeps what was written as it is, however much is written after it', () => {
  const writer = new Writer()
  const taken = Array.from({ length: 3_000 }, (_, n) => {
    writer.begin()
    writer.value(['x'.repeat(n), n])
    return writer.take()
  })
  for (const [n, bytes] of taken.entries()) expect(unpackr.unpack(Uint8Array.from(bytes))).toEqual(['x'.repeat(n), n])
})

it('drops what an error left half written', () => {
  expect(() =>
    msgpackCodec.encode([
      ['ping', 1],
      ['error', 'no such code' as never, '', null, 0, ''],
    ]),
  ).toThrow()
  expect(msgpackCodec.decode(Uint8Array.from(msgpackCodec.encode([['pong', 2]]) as Uint8Array))).toEqual([['pong', 2]])
})

it('keeps names apart whose bytes have much in common', () => {
  const names = fc.array(fc.oneof(fc.string({ maxLength: 15 }), fc.string({ unit: 'grapheme', maxLength: 6 })))
  fc.assert(
    fc.property(names, (names) => {
      for (const name of [...names, ...names])
        expect(new Reader(Uint8Array.from(packr.pack([name])), true).frame()).toEqual([name])
    }),
  )
})

it('lends bytes only where it may', () => {
  const wire = Uint8Array.from(packr.pack([Uint8Array.of(1, 2)]))
  const [lent, copied] = [true, false].map((lent) => new Reader(wire, lent).frame()?.[0] as Uint8Array)
  wire.fill(9)
  expect([lent, copied]).toEqual([Uint8Array.of(9, 9), Uint8Array.of(1, 2)])
})

it.each([
  ['is no array', [0x01]],
  ['has more than 15 items', [0xdc, 0, 1, 0]],
  ['claims 32 million items', [0x91, 0xdd, 1, 255, 255, 255]],
  ['claims 32 million entries', [0x91, 0xdf, 1, 255, 255, 255]],
  ['is four levels deep', [0x91, 0x91, 0x91, 0x91, 0x91, 0x01]],
  ['ends within an array', [0x92, 0x01]],
  ['ends within a number', [0x91, 0xcd, 0x01]],
  ['ends within a double', [0x91, 0xcb, 0x01]],
  ['ends within text', [0x91, 0xa5, 0x61]],
  ['ends within bytes', [0x91, 0xc4, 0x02, 0x01]],
  ['claims 4 GB of bytes', [0x91, 0xc6, 255, 255, 255, 255]],
  ['ends within the head of a list', [0x91, 0xdc, 0x01]],
  ['holds an extension', [0x91, 0xd4, 0x01, 0x01]],
  ['holds a type that is none', [0x91, 0xc1]],
])('refuses a frame that %s', (_what, wire) => {
  expect(() => new Reader(Uint8Array.from(wire), true).frame()).toThrow()
})

it('takes a map for a map, whatever its keys are', () => {
  const [map] = new Reader(Uint8Array.from([0x91, 0x81, 0xa9, ...Buffer.from('__proto__'), 0x80]), true).frame() ?? []
  expect(Object.keys(map as object)).toEqual(['__proto__'])
  expect(Object.getPrototypeOf(map)).toBe(Object.prototype)
})
