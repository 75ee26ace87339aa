/**
 * What goes over a link: batches, each a list of frames in MessagePack. A gRPC message costs some 100 µs of CPU on each side whatever is in it, a
 * frame in it 1 µs: so what leaves together travels together.
 */
import { Packr, Unpackr } from 'msgpackr'

/** `[kind, …]`: the link has kinds 1 and 2 for itself, and knows nothing of the others. Frames of later versions have more fields at their end. */
export type LinkFrame = readonly [kind: number, ...fields: readonly unknown[]]

const options = { useRecords: false, variableMapSize: true, int64AsType: 'number' } as const
/** A field that is undefined is left out: null would be another value of it. */
const packing = { ...options, encodeUndefinedAsNil: true, skipValues: [undefined] }
const packr = new Packr(packing)
/** Its bytes are copies: what arrives is reused. */
const unpackr = new Unpackr({ ...options, copyBuffers: true })

/** Bytes of a batch, unless one frame alone has more: gRPC servers of Node take 64 KB of a stream at a time, whatever they are told. */
export const batchBytes = 48 * 1024
/** Bytes of a frame. What clients send is far below that. */
export const frameBytes = 1024 * 1024

/** Its own copy, of memory that small ones share: the packer goes on in the same. */
export const packed = (value: unknown): Uint8Array => Buffer.from(packr.pack(value))

/** A frame as it travels. Throws a RangeError where it is too large. */
export function pack(frame: LinkFrame): Uint8Array {
  const bytes = packed(frame)
  if (bytes.length > frameBytes) throw new RangeError(`a frame of ${bytes.length} bytes is too large for a link`)
  return bytes
}

/** Throws where it is no batch. */
export function unpack(batch: Uint8Array): LinkFrame[] {
  const frames: unknown[] = batch.length === 0 ? [] : unpackr.unpackMultiple(batch)
  for (const frame of frames)
    if (!Array.isArray(frame) || typeof frame[0] !== 'number') throw new TypeError('a batch holds frames, [kind, ...]')
  return frames as LinkFrame[]
}
