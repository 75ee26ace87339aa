/** The msgpack codec: frames one after another, kinds and error codes as numbers. */
import { Packr, Unpackr } from 'msgpackr'
import type { Codec } from './codec.ts'
import { errorCodes, errorNamed } from './codes.ts'
import type { Frame } from './frames.ts'
import { kindNamed, kinds } from './kinds.ts'
import { checkShallow } from './shallow.ts'
import { Behinds, isShared } from './shared.ts'

const options = { useRecords: false, variableMapSize: true, encodeUndefinedAsNil: true, int64AsType: 'number' } as const
const packr = new Packr(options)
const copying = new Unpackr({ ...options, copyBuffers: true })
/** Its bytes are views of the message. */
const viewing = new Unpackr(options)

const behinds = new Behinds((items) => withoutHead(packr.pack(items), items.length))
const headBytes = 7
/** Of Node's pool where there is one: a buffer of its own takes four times as long. */
const room: (size: number) => Uint8Array = globalThis.Buffer?.allocUnsafe ?? ((size) => new Uint8Array(size))

/** For clients that would rather be small: binary messages, and bytes as they are. */
export const msgpackCodec: Codec = {
  subprotocol: 'bluetick.v1.msgpack',
  binary: true,
  encode: (frames) => (frames.some(isShared) ? packShared(frames) : pack(frames)),
  decode(data, lent = false) {
    if (typeof data === 'string') throw new TypeError('expected bytes')
    checkShallow(data)
    const frames = (lent ? viewing : copying).unpackMultiple(data) as unknown[][]
    for (const frame of frames) name(frame)
    return frames
  },
}

/** One call for all of them: without the head of their array they are the frames one after another. */
const pack = (frames: readonly Frame[]): Uint8Array => withoutHead(packr.pack(frames.map(numbered)), frames.length)

const withoutHead = (array: Uint8Array, length: number): Uint8Array =>
  array.subarray(length < 16 ? 1 : length < 65_536 ? 3 : 5)

function packShared(frames: readonly Frame[]): Uint8Array {
  const parts = frames.map((frame) => behinds.of(frame) ?? pack([frame]))
  const bytes = room(parts.reduce((sum, part) => sum + part.length, 0) + frames.length * headBytes)
  let end = 0
  for (const [n, part] of parts.entries()) {
    const frame = frames[n] as Frame
    if (isShared(frame)) end = packHead(frame.length, frame[1], bytes, end)
    bytes.set(part, end)
    end += part.length
  }
  return bytes.subarray(0, end)
}

/** An array of so many items, the number of its kind, and a seq of 32 bits. */
function packHead(length: number, seq: number, bytes: Uint8Array, at: number): number {
  bytes[at] = 0x90 | length
  bytes[at + 1] = kinds.message
  bytes[at + 2] = 0xce
  bytes[at + 3] = seq >>> 24
  bytes[at + 4] = seq >>> 16
  bytes[at + 5] = seq >>> 8
  bytes[at + 6] = seq
  return at + headBytes
}

function numbered(frame: Frame): unknown[] {
  const items: unknown[] = frame.slice()
  items[0] = kinds[frame[0]]
  if (frame[0] === 'error') items[1] = errorCodes[frame[1]].number
  if (frame[0] === 'done') items[1] = kinds[frame[1] as keyof typeof kinds]
  return items
}

function name(frame: unknown[]): void {
  const kind = typeof frame[0] === 'number' ? kindNamed(frame[0]) : undefined
  frame[0] = kind ?? ''
  if (kind === 'error') frame[1] = errorNamed(frame[1] as number) ?? frame[1]
  if (kind === 'done') frame[1] = kindNamed(frame[1] as number) ?? frame[1]
}
