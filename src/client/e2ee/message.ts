/** What one device writes for another, as bytes. The header is in plain sight; the tag covers it. */
import { bytesToHex, concatBytes } from '@noble/hashes/utils.js'
import { uint32, varint, varintAt } from '../../protocol/keys/bytes.ts'
import { suite } from '../../protocol/keys/prekeys.ts'
import { keyBytes } from '../../protocol/keys/signing.ts'

export type Header = {
  readonly ratchetKey: Uint8Array
  /** Messages of the writer's chain before this one. */
  readonly before: number
  /** The number of the message in its chain, from 0. */
  readonly n: number
}
export type Message = Header & { readonly sealed: Uint8Array }

/** What the other device needs to agree on the same secret, besides who it is with: that is said by the chain of that user. */
export type Opening = {
  readonly ephemeral: Uint8Array
  /** Numbers of prekeys; `once` 0: there was none left. */
  readonly signed: number
  readonly once: number
}

/** A part of an entry, for one device: `first` ones carry the opening, until the other device has answered. */
export type Part = { readonly type: (typeof partTypes)[keyof typeof partTypes]; readonly bytes: Uint8Array }
export const partTypes = { first: 1, later: 2 } as const

/** `other_suite`: of a later version than this. */
export type Unparsed = 'malformed' | 'other_suite'

/** One block of AES, and the tag. */
const leastSealed = 16 + 32

/** As the tag covers it. */
export const headerBytes = ({ ratchetKey, before, n }: Header): Uint8Array =>
  concatBytes(ratchetKey, uint32(before), uint32(n))

/** Names a message among all that came from a device. */
export const placeOf = ({ ratchetKey, n }: Pick<Header, 'ratchetKey' | 'n'>): string => `${bytesToHex(ratchetKey)}.${n}`

/** A key, and two numbers: of the opening, and of the header. */
const numbered = (key: Uint8Array, first: number, second: number) => [key, varint(first), varint(second)]

export function partBytes(opening: Opening | undefined, message: Message): Uint8Array {
  const start = opening ? numbered(opening.ephemeral, opening.signed, opening.once) : []
  const header = numbered(message.ratchetKey, message.before, message.n)
  return concatBytes(Uint8Array.of(suite), ...start, ...header, message.sealed)
}

export function parsePart({ type, bytes }: Part): { opening: Opening | undefined; message: Message } | Unparsed {
  if (bytes.length === 0) return 'malformed'
  if (bytes[0] !== suite) return 'other_suite'
  const start = type === partTypes.first ? numberedAt(bytes, 1) : undefined
  const header = numberedAt(bytes, start?.end ?? 1)
  const isWhole = header && bytes.length >= header.end + leastSealed
  if (!isWhole || (type === partTypes.first && !start)) return 'malformed'
  return {
    opening: start && { ephemeral: start.key.slice(), signed: start.first, once: start.second },
    message: { ratchetKey: header.key, before: header.first, n: header.second, sealed: bytes.subarray(header.end) },
  }
}

function numberedAt(bytes: Uint8Array, at: number) {
  const [first, next = 0] = varintAt(bytes, at + keyBytes) ?? []
  const [second, end = 0] = varintAt(bytes, next) ?? []
  if (first === undefined || second === undefined) return undefined
  return { key: bytes.subarray(at, at + keyBytes), first, second, end }
}
