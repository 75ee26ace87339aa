/** The msgpack codec: frames one after another, kinds and error codes as numbers. */
import { Packr, Unpackr } from 'msgpackr'
import type { Codec } from './codec.ts'
import { errorCodes, errorNamed } from './codes.ts'
import type { Frame } from './frames.ts'
import { kindNamed, kinds } from './kinds.ts'
import { checkShallow } from './shallow.ts'

const packr = new Packr({ useRecords: false, variableMapSize: true })
const unpackr = new Unpackr({ useRecords: false, copyBuffers: true, int64AsType: 'number' })

export const msgpackCodec: Codec = {
  subprotocol: 'bluetick.v1.msgpack',
  binary: true,
  encode(frames) {
    if (frames.length === 1) return packr.pack(numbered(frames[0] as Frame))
    return concat(frames.map((frame) => packr.pack(numbered(frame))))
  },
  decode(data) {
    if (typeof data === 'string') throw new TypeError('expected bytes')
    checkShallow(data)
    const values: unknown[] = []
    unpackr.unpackMultiple(data, (value: unknown) => void values.push(named(value)))
    return values
  },
}

function numbered(frame: Frame): unknown[] {
  const [kind, ...rest] = frame as readonly [Frame[0], ...unknown[]]
  if (frame[0] === 'error') rest[0] = errorCodes[frame[1]].number
  if (frame[0] === 'done') rest[0] = kinds[frame[1]]
  return [kinds[kind], ...rest]
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.byteLength, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.byteLength
  }
  return whole
}

function named(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  const kind = typeof value[0] === 'number' ? kindNamed(value[0]) : undefined
  value[0] = kind ?? ''
  if (kind === 'error') value[1] = errorNamed(value[1] as number) ?? value[1]
  if (kind === 'done') value[1] = kindNamed(value[1] as number) ?? value[1]
  return value
}
