/**
 * What is sealed: the message, and how far its writer has followed the chains of both users, so that two who are shown different ones find
 * it out. Or what one device has to say to another.
 */
import { concatBytes } from '@noble/hashes/utils.js'
import type { Body } from '../../protocol/ids.ts'
import { framed, uint32, uint32At, unframed } from '../../protocol/keys/bytes.ts'
import { textIn } from '../../protocol/keys/parts.ts'

export type Head = { readonly n: number; readonly hash: Uint8Array }
export type Payload = {
  readonly body: Body
  /** Of the chain of whoever writes, and of whoever is written to. */
  readonly mine: Head
  readonly theirs: Head
  /** Of what one device says to another: which message it is about. Of a body: it is of that message, which could not be read. */
  readonly of?: string
  /** With `of` and a body: whom that message was for. Else a server could have it said again as one of another chat. */
  readonly chat?: string
  /** What the message carries besides (medium.ts), and a small picture of it. */
  readonly media?: string | undefined
  readonly preview?: Uint8Array | undefined
  /** `ask`: I cannot read it. `none`: I do not have it any more, or it was sent before you were there. `lost`: what you said I cannot read. */
  readonly says?: Says
  /** Of a change of a group: what it is, and who was in the group before, as its author knows it (roster.ts). */
  readonly change?: string
  readonly list?: string
  /** To a group: of each member, in order of their names, how far its writer has followed their chain. */
  readonly heads?: Uint8Array
}
/** `roster`: who is in the group `of`? `members`: those. */
type Says = 'ask' | 'none' | 'lost' | 'roster' | 'members'

const version = 1
const kinds = ['text', 'bytes', 'ask', 'none', 'lost', 'roster', 'members'] as const
/** Sizes tell little: they are powers of two up to 2 KiB, and then whole KiB. */
const [least, power, step] = [64, 2_048, 1_024]

export function payloadBytes({
  body,
  mine,
  theirs,
  of = '',
  says,
  change,
  list,
  heads,
  chat,
  media,
  preview,
}: Payload): Uint8Array {
  const kind = kinds.indexOf(says ?? (typeof body === 'string' ? 'text' : 'bytes'))
  const more =
    change || heads || chat || media
      ? [change ?? '', list ?? '', heads ?? '', chat ?? '', media ?? '', preview ?? '']
      : []
  const fields = framed([version, kind, body, mine.n, mine.hash, theirs.n, theirs.hash, of, ...more])
  const padded = new Uint8Array(sizeFor(fields.length + 4))
  padded.set(concatBytes(uint32(fields.length), fields))
  return padded
}

/** undefined: of a later version, or not what `payloadBytes` makes. */
export function payloadIn(padded: Uint8Array): Payload | undefined {
  const length = padded.length < 4 ? -1 : uint32At(padded, 0)
  const fields = length >= 0 && length + 4 <= padded.length ? unframed(padded.subarray(4, 4 + length)) : undefined
  const [as, kindAt, body, mine, mineHash, theirs, theirsHash, of, change, list, heads, chat, media, preview] =
    fields ?? []
  const kind = kinds[kindAt?.[3] ?? kinds.length]
  if (as?.[3] !== version || !kind || !body || mine?.length !== 4 || theirs?.length !== 4 || !mineHash || !theirsHash)
    return undefined
  return {
    body: kind === 'bytes' ? body : textIn(body),
    of: textIn(of),
    ...(change?.length && { change: textIn(change), list: textIn(list) }),
    ...(heads && { heads }),
    ...(chat?.length && { chat: textIn(chat) }),
    ...(media?.length && { media: textIn(media), preview }),
    ...(kind !== 'text' && kind !== 'bytes' && { says: kind }),
    mine: { n: uint32At(mine, 0), hash: mineHash },
    theirs: { n: uint32At(theirs, 0), hash: theirsHash },
  }
}

/** What the parts of a group's message hold: no other payload begins so, since none is so long. */
export const keyPayload = (key: Uint8Array): Uint8Array => concatBytes(Uint8Array.of(keyMark), key)
export const keyIn = (text: Uint8Array): Uint8Array | undefined =>
  text.length === 33 && text[0] === keyMark ? text.subarray(1) : undefined
const keyMark = 0xff

function sizeFor(length: number): number {
  if (length > power) return Math.ceil(length / step) * step
  let size = least
  while (size < length) size *= 2
  return size
}
