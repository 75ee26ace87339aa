/**
 * Signatures by the identity key of a device (Ed25519, RFC 8032). Node, browser and React Native use this one verifier, and not what
 * the platform has: those differ in what they take of keys and signatures made to be odd, and clients that differ see two chains.
 */
import * as ed25519 from '@noble/ed25519'
import { sha512 } from '@noble/hashes/sha2.js'
import { type Field, framed } from './bytes.ts'

// It comes without one.
ed25519.hashes.sha512 = sha512

export const keyBytes = 32
export const signatureBytes = 64

/** What a signature is for. It is signed, too: what was made for one purpose is worth nothing for another. */
export type Purpose = 'link' | 'request' | 'prekey' | 'login'

/** What is signed: by whom is said by the key, for which users' world by `realm`. */
export type Statement = { readonly purpose: Purpose; readonly realm: string; readonly fields: readonly Field[] }

/** Throws where a key of another length was let in. */
export const sign = (statement: Statement, seed: Uint8Array): Uint8Array => ed25519.sign(bytesOf(statement), seed)

export const isSigned = (statement: Statement, signature: Uint8Array, identity: Uint8Array): boolean =>
  isSignedBytes(bytesOf(statement), signature, identity)

/** About 3 ms. Keys of small order, and points that are not written in the one right way, are refused. */
export const isSignedBytes = (bytes: Uint8Array, signature: Uint8Array, identity: Uint8Array): boolean =>
  signature.length === signatureBytes &&
  identity.length === keyBytes &&
  ed25519.verify(signature, bytes, identity, { zip215: false })

const bytesOf = ({ purpose, realm, fields }: Statement): Uint8Array =>
  framed([`Bluetick/1/${purpose}`, realm, ...fields])
