/** What one device writes for another, as bytes. The header is in plain sight; the tag covers it. */
import { bytesToHex, concatBytes } from '@noble/hashes/utils.js'
import { uint32, uint32At } from '../../protocol/keys/bytes.ts'
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

/** What the other device needs to agree on the same secret. */
export type Opening = {
  readonly identity: Uint8Array
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

const headerLength = keyBytes + 8
const openingLength = 2 * keyBytes + 8
/** One block of AES, and the tag. */
const leastSealed = 16 + 32

export const headerBytes = ({ ratchetKey, before, n }: Header): Uint8Array =>
  concatBytes(ratchetKey, uint32(before), uint32(n))

/** Names a message among all that came from a device. */
export const placeOf = ({ ratchetKey, n }: Pick<Header, 'ratchetKey' | 'n'>): string => `${bytesToHex(ratchetKey)}.${n}`

export function partOf(opening: Opening | undefined, message: Message): Part {
  const start = opening
    ? [opening.identity, opening.ephemeral, uint32(opening.signed), uint32(opening.once)]
    : ([] as const)
  const bytes = concatBytes(Uint8Array.of(suite), ...start, headerBytes(message), message.sealed)
  return { type: opening ? partTypes.first : partTypes.later, bytes }
}

export function parsePart({ type, bytes }: Part): { opening: Opening | undefined; message: Message } | Unparsed {
  if (bytes.length === 0) return 'malformed'
  if (bytes[0] !== suite) return 'other_suite'
  const at = 1 + (type === partTypes.first ? openingLength : 0)
  if (bytes.length < at + headerLength + leastSealed) return 'malformed'
  const opening = type === partTypes.first ? openingIn(bytes) : undefined
  const message = {
    ratchetKey: bytes.subarray(at, at + keyBytes),
    before: uint32At(bytes, at + keyBytes),
    n: uint32At(bytes, at + keyBytes + 4),
    sealed: bytes.subarray(at + headerLength),
  }
  return { opening, message }
}

const openingIn = (bytes: Uint8Array): Opening => ({
  identity: bytes.slice(1, 1 + keyBytes),
  ephemeral: bytes.slice(1 + keyBytes, 1 + 2 * keyBytes),
  signed: uint32At(bytes, 1 + 2 * keyBytes),
  once: uint32At(bytes, 1 + 2 * keyBytes + 4),
})
