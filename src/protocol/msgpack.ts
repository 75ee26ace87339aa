/** The msgpack codec: frames one after another, kinds and error codes as numbers. */
import { Packr, Unpackr } from 'msgpackr'
import type { Codec } from './codec.ts'
import { errorCodes, errorNamed } from './codes.ts'
import type { Frame } from './frames.ts'
import { kindNamed, kinds } from './kinds.ts'
import { checkShallow } from './shallow.ts'

const options = { useRecords: false, variableMapSize: true, encodeUndefinedAsNil: true, int64AsType: 'number' } as const
const packr = new Packr(options)
const copying = new Unpackr({ ...options, copyBuffers: true })
/** Its bytes are views of the message. */
const viewing = new Unpackr(options)

export const msgpackCodec: Codec = {
  subprotocol: 'bluetick.v1.msgpack',
  binary: true,
  encode(frames) {
    // One call for all of them: without the head of their array they are the frames one after another.
    const packed = packr.pack(frames.map(numbered))
    return packed.subarray(frames.length < 16 ? 1 : frames.length < 65_536 ? 3 : 5)
  },
  decode(data, lent = false) {
    if (typeof data === 'string') throw new TypeError('expected bytes')
    checkShallow(data)
    const frames = (lent ? viewing : copying).unpackMultiple(data) as unknown[][]
    for (const frame of frames) name(frame)
    return frames
  },
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
