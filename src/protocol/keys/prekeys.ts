/** Public keys that a device leaves on the server, so that others can begin a session while it is away. */
import { isSigned, type Statement } from './signing.ts'

/** The one suite so far: X3DH and Double Ratchet over Curve25519, SHA-256, AES-256-CBC and HMAC. */
export const suite = 1

/** A device numbers its prekeys from 1, and never uses a number again. */
export type Prekey = { readonly number: number; readonly key: Uint8Array }

/** `suites`: those that the device takes, as it has signed them: whoever serves it can take none away. */
export type SignedPrekey = Prekey & { readonly suites: Uint8Array; readonly signature: Uint8Array }

export type Owner = { readonly realm: string; readonly user: string; readonly device: string }

/** What the identity key of a device signs of a prekey. */
export const prekeyStatement = (
  { realm, user, device }: Owner,
  { number, key, suites }: Omit<SignedPrekey, 'signature'>,
): Statement => ({ purpose: 'prekey', realm, fields: [user, device, number, key, suites] })

export const isPrekeyOf = (owner: Owner, identity: Uint8Array, prekey: SignedPrekey): boolean =>
  isSigned(prekeyStatement(owner, prekey), prekey.signature, identity)
