/** What a device leaves on the server, as bytes: a signed prekey, and prekeys for one use each. Whatever else comes is refused whole. */
import { bytesToHex } from '@noble/hashes/utils.js'
import { framed, uint32At, unframed } from './bytes.ts'
import { isPrekeyOf, type Owner, type SignedPrekey } from './prekeys.ts'
import { keyBytes, signatureBytes } from './signing.ts'

/** Prekeys in one upload. */
export const uploadedAtOnce = 100
const mostSuites = 16
const highest = 2 ** 32 - 1

export type Upload = {
  readonly identity: Uint8Array
  readonly signed: SignedPrekey
  /** Prekeys with a lower number are void: their device has lost them. */
  readonly from: number
  /** The number of the first of `keys`; the others follow without holes. */
  readonly first: number
  readonly keys: readonly Uint8Array[]
}

const version = 1

export const uploadBytes = ({ identity, signed, from, first, keys }: Upload): Uint8Array =>
  framed([
    version,
    identity,
    ...[signed.number, signed.key, signed.suites, signed.signature],
    ...[from, first, framed(keys)],
  ])

/** undefined: not in the one right form, keys that are none, or not signed by the device. */
export function parseUpload(owner: Owner, bytes: Uint8Array): Upload | undefined {
  const fields = unframed(bytes) ?? []
  const [, identity, number, key, suites, signature, from, first, list] = fields
  const keys = list && unframed(list)
  if (!identity || !number || !key || !suites || !signature || !from || !first || !keys || fields.length !== 9)
    return undefined
  if ([number, from, first].some(({ length }) => length !== 4)) return undefined
  const signed = { number: uint32At(number, 0), key, suites, signature }
  const upload = { identity, signed, from: uint32At(from, 0), first: uint32At(first, 0), keys }
  const isRight = isWellFormed(upload) && isSame(uploadBytes(upload), bytes) && isPrekeyOf(owner, identity, signed)
  return isRight ? upload : undefined
}

function isWellFormed({ identity, signed, from, first, keys }: Upload): boolean {
  const lengths = identity.length === keyBytes && signed.signature.length === signatureBytes
  const suites = signed.suites.length > 0 && signed.suites.length <= mostSuites
  const numbers = signed.number > 0 && from > 0 && first >= from && first + keys.length - 1 <= highest
  const points = [signed.key, ...keys].every(isPoint) && new Set([signed.key, ...keys].map(String)).size > keys.length
  return lengths && suites && numbers && points && keys.length <= uploadedAtOnce
}

/** What X25519 makes of every secret for one of these is known to all (RFC 7748, 6.1). */
const lowOrder: readonly string[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]

/** Whether 32 bytes are a key of X25519 in its one canonical form, and not of low order: what a device makes always is. */
export function isPoint(key: Uint8Array): boolean {
  if (key.length !== keyBytes || lowOrder.includes(bytesToHex(key))) return false
  const [least = 0, most = 0] = [key[0], key[keyBytes - 1]]
  if (most < 0x7f) return true
  // Not below 2^255 - 19 otherwise.
  return most === 0x7f && (least < 0xed || key.subarray(1, -1).some((byte) => byte !== 0xff))
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, at) => byte === b[at])
