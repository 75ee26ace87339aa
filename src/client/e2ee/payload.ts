/** What is sealed: the message, and how far its writer has followed the chains of both users, so that two who are shown different ones find it out. */
import { concatBytes } from '@noble/hashes/utils.js'
import type { Body } from '../../protocol/ids.ts'
import { framed, uint32, uint32At, unframed } from '../../protocol/keys/bytes.ts'

export type Head = { readonly n: number; readonly hash: Uint8Array }
export type Payload = {
  readonly body: Body
  /** Of the chain of whoever writes, and of whoever is written to. */
  readonly mine: Head
  readonly theirs: Head
}

const version = 1
const bodies = { text: 0, bytes: 1 } as const
/** Sizes tell little: they are powers of two up to 2 KiB, and then whole KiB. */
const [least, power, step] = [64, 2_048, 1_024]

export function payloadBytes({ body, mine, theirs }: Payload): Uint8Array {
  const kind = typeof body === 'string' ? bodies.text : bodies.bytes
  const fields = framed([version, kind, body, mine.n, mine.hash, theirs.n, theirs.hash])
  const padded = new Uint8Array(sizeFor(fields.length + 4))
  padded.set(concatBytes(uint32(fields.length), fields))
  return padded
}

/** undefined: of a later version, or not what `payloadBytes` makes. */
export function payloadIn(padded: Uint8Array): Payload | undefined {
  const length = padded.length < 4 ? -1 : uint32At(padded, 0)
  const fields = length >= 0 && length + 4 <= padded.length ? unframed(padded.subarray(4, 4 + length)) : undefined
  const [of, kind, body, mine, mineHash, theirs, theirsHash] = fields ?? []
  if (of?.[3] !== version || !kind || !body || mine?.length !== 4 || theirs?.length !== 4 || !mineHash || !theirsHash)
    return undefined
  return {
    body: kind[3] === bodies.text ? new TextDecoder().decode(body) : body,
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
