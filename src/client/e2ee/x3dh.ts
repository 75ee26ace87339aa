/** X3DH: two devices agree on a secret though one of them is away. As Signal published it, over Ed25519 identity keys that also agree (as OMEMO 2 has it). */
import { etc, getPublicKey, Point } from '@noble/ed25519'
import { sha512 } from '@noble/hashes/sha2.js'
import { clean, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { isPrekeyOf, type Owner, type Prekey, type SignedPrekey, suite } from '../../protocol/keys/prekeys.ts'
import { type KeyPair, newKeyPair, type Primitives, prime } from './primitives.ts'
import { hkdf } from './symmetric.ts'

const info = utf8ToBytes('Bluetick X3DH v1')
const salt = new Uint8Array(32)
/** Keeps the input apart from any public key (X3DH, 2.2). */
const apart = new Uint8Array(32).fill(0xff)

/** Who a device is: `seed` is the Ed25519 secret, `agreeing` what it is for X25519. */
export type Identity = { readonly seed: Uint8Array; readonly public: Uint8Array; readonly agreeing: Uint8Array }

/** X25519 takes the secret scalar of Ed25519 as it is (RFC 8032, 5.1.5): it sets the same bits. */
export const identityOf = (seed: Uint8Array): Identity => ({
  seed,
  public: getPublicKey(seed),
  agreeing: sha512(seed).slice(0, 32),
})

/** What the server says of a device. `once`: a prekey that nobody else gets; without one the signed one is all there is. */
export type Bundle = {
  readonly owner: Owner
  readonly identity: Uint8Array
  readonly signed: SignedPrekey
  readonly once: Prekey | undefined
}

declare const checked: unique symbol
/** A bundle that its device signed. The identity is still to be found in the chain of its user. */
export type CheckedBundle = Bundle & { readonly [checked]: true }

/** undefined: not signed by that device for that user, or without a suite that this client has. */
export const checkedBundle = (bundle: Bundle): CheckedBundle | undefined =>
  bundle.signed.suites.includes(suite) && isPrekeyOf(bundle.owner, bundle.identity, bundle.signed)
    ? (bundle as CheckedBundle)
    : undefined

/** undefined: a key is of low order, or no point. */
export async function begin(primitives: Primitives, me: Identity, bundle: CheckedBundle) {
  const theirs = pointOf(bundle.identity)
  if (!theirs) return undefined
  const ephemeral = await newKeyPair(primitives)
  const secret = await agreed(primitives, [
    [me.agreeing, bundle.signed.key],
    [ephemeral.secret, theirs],
    [ephemeral.secret, bundle.signed.key],
    ...(bundle.once ? [[ephemeral.secret, bundle.once.key] as const] : []),
  ])
  clean(ephemeral.secret)
  return secret && { secret, ephemeral: ephemeral.public }
}

/** What the initiator says, and the private keys that it names. */
export type Answer = {
  readonly identity: Uint8Array
  readonly ephemeral: Uint8Array
  readonly signed: KeyPair
  readonly once: KeyPair | undefined
}

/** undefined: a key is of low order, or no point. */
export async function answer(primitives: Primitives, me: Identity, { identity, ephemeral, signed, once }: Answer) {
  const theirs = pointOf(identity)
  if (!theirs) return undefined
  return agreed(primitives, [
    [signed.secret, theirs],
    [me.agreeing, ephemeral],
    [signed.secret, ephemeral],
    ...(once ? [[once.secret, ephemeral] as const] : []),
  ])
}

async function agreed(primitives: Primitives, pairs: readonly (readonly [Uint8Array, Uint8Array])[]) {
  const shared = await Promise.all(pairs.map(([secret, theirs]) => primitives.agree(secret, theirs)))
  const known = shared.filter((bytes) => bytes !== undefined)
  try {
    if (known.length < pairs.length) return undefined
    const input = concatBytes(apart, ...known)
    const secret = hkdf(input, salt, info, 32)
    clean(input)
    return secret
  } finally {
    clean(...known)
  }
}

/** 32 bytes. */
const littleEndian = (value: bigint): Uint8Array => hexToBytes(value.toString(16).padStart(64, '0')).reverse()

/** An identity key as a point of X25519 (RFC 7748, 4.1); undefined: it is no point. */
export function pointOf(identity: Uint8Array): Uint8Array | undefined {
  try {
    const { y } = Point.fromBytes(identity).toAffine()
    return littleEndian(etc.mod((1n + y) * etc.invert(1n - y, prime)))
  } catch {
    return undefined
  }
}
