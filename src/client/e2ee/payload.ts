/**
 * What is sealed: the message, and how far its writer has followed the chains of both users, so that two who are shown different ones find
 * it out. Or what one device has to say to another.
 */
import { concatBytes } from '@noble/hashes/utils.js'
import type { Body } from '../../protocol/ids.ts'
import { framed, uint32, uint32At, unframed } from '../../protocol/keys/bytes.ts'

export type Head = { readonly n: number; readonly hash: Uint8Array }
export type Payload = {
  readonly body: Body
  /** Of the chain of whoever writes, and of whoever is written to. */
  readonly mine: Head
  readonly theirs: Head
  /** Of what one device says to another: which message it is about. Of a body: it is of that message, which could not be read. */
  readonly of?: string
  /** `ask`: I cannot read it. `none`: I do not have it any more, or it was sent before you were there. `lost`: what you said I cannot read. */
  readonly says?: Says
}
type Says = 'ask' | 'none' | 'lost'

const version = 1
const kinds = ['text', 'bytes', 'ask', 'none', 'lost'] as const
/** Sizes tell little: they are powers of two up to 2 KiB, and then whole KiB. */
const [least, power, step] = [64, 2_048, 1_024]

export function payloadBytes({ body, mine, theirs, of = '', says }: Payload): Uint8Array {
  const kind = kinds.indexOf(says ?? (typeof body === 'string' ? 'text' : 'bytes'))
  const fields = framed([version, kind, body, mine.n, mine.hash, theirs.n, theirs.hash, of])
  const padded = new Uint8Array(sizeFor(fields.length + 4))
  padded.set(concatBytes(uint32(fields.length), fields))
  return padded
}

/** undefined: of a later version, or not what `payloadBytes` makes. */
export function payloadIn(padded: Uint8Array): Payload | undefined {
  const length = padded.length < 4 ? -1 : uint32At(padded, 0)
  const fields = length >= 0 && length + 4 <= padded.length ? unframed(padded.subarray(4, 4 + length)) : undefined
  const [as, kindAt, body, mine, mineHash, theirs, theirsHash, of] = fields ?? []
  const kind = kinds[kindAt?.[3] ?? kinds.length]
  if (as?.[3] !== version || !kind || !body || mine?.length !== 4 || theirs?.length !== 4 || !mineHash || !theirsHash)
    return undefined
  return {
    body: kind === 'bytes' ? body : new TextDecoder().decode(body),
    of: new TextDecoder().decode(of),
    ...(kind !== 'text' && kind !== 'bytes' && { says: kind }),
    mine: { n: uint32At(mine, 0), hash: mineHash },
    theirs: { n: uint32At(theirs, 0), hash: theirsHash },
  }
}

function sizeFor(length: number): number {
  if (length > power) return Math.ceil(length / step) * step
  let size = least
  while (size < length) size *= 2
  return size
}
