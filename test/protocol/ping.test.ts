import { expect, it } from 'vitest'
import { jsonCodec } from '../../src/protocol/json.ts'
import { msgpackCodec } from '../../src/protocol/msgpack.ts'
import { pingOf, pongTo } from '../../src/protocol/ping.ts'

const small = Array.from({ length: 128 }, (_, n) => n)

it('tells a ping by its bytes, and answers it, as the codec does', () => {
  expect(small.map((n) => pingOf(msgpackCodec.encode([['ping', n]])))).toEqual(small)
  for (const n of small) expect(Buffer.from(pongTo(n))).toEqual(Buffer.from(msgpackCodec.encode([['pong', n]])))
})

it('leaves to the codec what is more than a ping of one small number, or anything else', () => {
  const others = [
    [['ping', 128]],
    [
      ['ping', 1],
      ['ping', 2],
    ],
    [['pong', 1]],
    [['ack', 1]],
    [],
  ] as const
  for (const frames of others) expect(pingOf(msgpackCodec.encode(frames)), JSON.stringify(frames)).toBe(undefined)
  expect(pingOf(Uint8Array.of(0x92, 8, 0xff))).toBe(undefined)
  expect(pingOf(jsonCodec.encode([['ping', 1]]))).toBe(undefined)
})
