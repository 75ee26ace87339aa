/** The safety number of two users: 60 digits that both see, and that are others where somebody stands between them. */
import { sha512 } from '@noble/hashes/sha2.js'
import { concatBytes } from '@noble/hashes/utils.js'
import { framed } from '../../protocol/keys/bytes.ts'

/** Makes each try of whoever looks for a key with the same digits so much dearer; 30 ms here. As Signal has it. */
const rounds = 5_200

/** A user, and the identity key of the first device of their chain: devices come and go without changing the number. */
export type Root = { readonly user: string; readonly identity: Uint8Array }

/** 12 groups of 5 digits, the same on both sides. */
export const safetyNumber = (realm: string, one: Root, other: Root): string =>
  [digitsOf(realm, one), digitsOf(realm, other)].sort().join(' ')

function digitsOf(realm: string, { user, identity }: Root): string {
  let hash = framed(['Bluetick/1/number', realm, user, identity])
  for (let round = 0; round < rounds; round++) hash = sha512(concatBytes(hash, identity))
  const view = new DataView(hash.buffer, hash.byteOffset)
  // Five bytes make five digits: of 2^40 values, so that no digit is likelier than another by more than 1 in 10^7.
  return [0, 5, 10, 15, 20, 25].map((at) => fiveDigits(view.getUint8(at) * 2 ** 32 + view.getUint32(at + 1))).join(' ')
}

const fiveDigits = (value: number): string => String(value % 100_000).padStart(5, '0')
