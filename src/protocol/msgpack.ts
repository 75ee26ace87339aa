/** The msgpack codec: frames one after another, kinds and error codes as numbers. */
import type { Codec } from './codec.ts'
import { errorCodes, errorNamed } from './codes.ts'
import type { Frame } from './frames.ts'
import { kindNamed, kinds } from './kinds.ts'
import { Reader } from './reader.ts'
import { Behinds } from './shared.ts'
import { Writer } from './writer.ts'

const writer = new Writer()
const alone = new Writer()
/** They are kept for long: without the slab around them. */
const behinds = new Behinds((items) => {
  alone.begin()
  for (const item of items) alone.value(item)
  return alone.take().slice()
})

export const msgpackCodec: Codec = {
  subprotocol: 'bluetick.v1.msgpack',
  binary: true,
  encode(frames) {
    writer.begin()
    for (const frame of frames) {
      const behind = behinds.of(frame)
      if (behind) writeShared(frame.length, frame[1] as number, behind)
      else write(frame)
    }
    return writer.take()
  },
  decode(data, lent = false) {
    if (typeof data === 'string') throw new TypeError('expected bytes')
    const reader = new Reader(data, lent)
    const frames: unknown[][] = []
    for (let frame = reader.frame(); frame; frame = reader.frame()) frames.push(named(frame))
    return frames
  },
}

/** A message whose items behind the seq are written already. */
function writeShared(length: number, seq: number, behind: Uint8Array): void {
  writer.list(length)
  writer.number(kinds.message)
  writer.uint32(seq)
  writer.raw(behind)
}

function write(frame: Frame): void {
  writer.list(frame.length)
  writer.number(kinds[frame[0]])
  for (let at = 1; at < frame.length; at++) writer.value(at === 1 ? numbered(frame) : frame[at])
}

/** The first item behind the kind. */
function numbered(frame: Frame): unknown {
  if (frame[0] === 'error') return errorCodes[frame[1]].number
  return frame[0] === 'done' ? kinds[frame[1]] : frame[1]
}

function named(frame: unknown[]): unknown[] {
  const kind = typeof frame[0] === 'number' ? kindNamed(frame[0]) : undefined
  frame[0] = kind ?? ''
  if (kind === 'error') frame[1] = errorNamed(frame[1] as number) ?? frame[1]
  if (kind === 'done') frame[1] = kindNamed(frame[1] as number) ?? frame[1]
  return frame
}
