/** The msgpack codec: frames one after another, kinds and error codes as numbers. */
import type { Codec } from './codec.ts'
import { errorCodes, errorNamed } from './codes.ts'
import type { Frame } from './frames.ts'
import { kindNamed, kinds } from './kinds.ts'
import { type Item, Packer } from './pack.ts'
import { unpackFrames } from './unpack.ts'

const packer = new Packer()

export const msgpackCodec: Codec = {
  subprotocol: 'bluetick.v1.msgpack',
  binary: true,
  encode(frames, lent = false) {
    for (const frame of frames) write(frame)
    return lent ? packer.lend() : packer.take()
  },
  decode(data, lent = false) {
    if (typeof data === 'string') throw new TypeError('expected bytes')
    const frames: unknown[][] = unpackFrames(data, lent)
    for (const frame of frames) name(frame)
    return frames
  },
}

function write(frame: Frame): void {
  packer.frame(frame.length)
  packer.number(kinds[frame[0]])
  let at = 1
  if (frame[0] === 'error') packer.number(errorCodes[frame[at++] as keyof typeof errorCodes].number)
  if (frame[0] === 'done') packer.number(kinds[frame[at++] as keyof typeof kinds])
  for (; at < frame.length; at++) packer.item(frame[at] as Item)
}

function name(frame: unknown[]): void {
  const kind = typeof frame[0] === 'number' ? kindNamed(frame[0]) : undefined
  frame[0] = kind ?? ''
  if (kind === 'error') frame[1] = errorNamed(frame[1] as number) ?? frame[1]
  if (kind === 'done') frame[1] = kindNamed(frame[1] as number) ?? frame[1]
}
