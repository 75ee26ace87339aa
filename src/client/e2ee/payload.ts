/**
 * What is sealed: the message, and how far its writer has followed the chains of both users, so that two who are shown different ones find
 * it out. Or what one device has to say to another.
 */
import { concatBytes } from '@noble/hashes/utils.js'
import type { Body } from '../../protocol/ids.ts'
import { compact, compactIn, varint, varintAt } from '../../protocol/keys/bytes.ts'
import { textIn } from '../../protocol/keys/parts.ts'

/** `hash`: of the last link, of which the first `headBytes` are carried: as much as nobody finds another link for. */
export type Head = { readonly n: number; readonly hash: Uint8Array }
export const headBytes = 16
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
/** Fields in their order; the zeros after them are such as are empty. */
const names = ['body', 'mine', 'theirs', 'of', 'chat', 'change', 'list', 'heads', 'media', 'preview'] as const
/** Sizes tell little: they are powers of two up to 2 KiB, and then whole KiB. One byte less, which the last block of AES takes. */
const [least, power, step] = [64, 2_048, 1_024]

export function payloadBytes({ says, ...payload }: Payload): Uint8Array {
  const kind = kinds.indexOf(says ?? (typeof payload.body === 'string' ? 'text' : 'bytes'))
  const fields = compact(names.map((name) => fieldOf(payload[name] ?? '')))
  const padded = new Uint8Array(sizeFor(fields.length + 3) - 1)
  padded.set([version, kind])
  padded.set(fields, 2)
  return padded
}

/** undefined: of a later version, which has more fields, or not what `payloadBytes` makes. */
export function payloadIn(padded: Uint8Array): Payload | undefined {
  const fields = padded[0] === version ? compactIn(padded.subarray(2)) : undefined
  const kind = kinds[padded[1] ?? kinds.length]
  const [body, writer, reader, of, chat, change, list, heads, media, preview, ...more] = fields ?? []
  const [mine, theirs] = [headIn(writer), headIn(reader)]
  if (!kind || !body || !mine || !theirs || more.some(({ length }) => length > 0)) return undefined
  return {
    body: kind === 'bytes' ? body.slice() : textIn(body),
    of: textIn(of),
    ...(change?.length && { change: textIn(change), list: textIn(list) }),
    ...(heads?.length && { heads }),
    ...(chat?.length && { chat: textIn(chat) }),
    ...(media?.length && { media: textIn(media), preview: preview?.slice() }),
    ...(kind !== 'text' && kind !== 'bytes' && { says: kind }),
    mine,
    theirs,
  }
}

const fieldOf = (value: Body | Head): Body =>
  typeof value === 'object' && 'n' in value ? concatBytes(varint(value.n), value.hash.slice(0, headBytes)) : value

function headIn(bytes: Uint8Array | undefined): Head | undefined {
  const [n, end = 0] = (bytes && varintAt(bytes, 0)) ?? []
  const hash = bytes?.slice(end)
  return n !== undefined && hash && (hash.length === headBytes || n === 0) ? { n, hash } : undefined
}

/** What the parts of a group's message hold: no payload begins so. */
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
