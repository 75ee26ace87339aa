/** Chance, and X25519 (RFC 7748), on which the rest stands: by the platform in webcrypto.ts, else in plain.ts. */
export type KeyPair = { readonly secret: Uint8Array; readonly public: Uint8Array }

export interface Primitives {
  random(length: number): Uint8Array
  publicOf(secret: Uint8Array): Promise<Uint8Array>
  /** undefined: the point is of low order, and everybody would know what came of it. Points that are not canonical are taken, as the RFC says. */
  agree(secret: Uint8Array, theirs: Uint8Array): Promise<Uint8Array | undefined>
}

/** Of the field in which both curves are. */
export const prime = 2n ** 255n - 19n
export async function newKeyPair({ random, publicOf }: Primitives): Promise<KeyPair> {
  const secret = random(32)
  return { secret, public: await publicOf(secret) }
}
