/** X25519 by the platform: in Node.js, and in browsers on pages that came over TLS. */
import { bytesToHex, concatBytes, hexToBytes, randomBytes } from '@noble/hashes/utils.js'
import type { Primitives } from './primitives.ts'

/** What stands before the 32 bytes of a secret in PKCS #8 (RFC 8410). */
const pkcs8 = hexToBytes('302e020100300506032b656e04220420')
const base = new Uint8Array(32).fill(9, 0, 1)

/** What belongs to the secret of 32 ones. */
const publicOfOnes = 'a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209'

/** Those of WebCrypto where it has X25519, and else the plain ones. */
export async function platformPrimitives(
  plain: () => Promise<Primitives>,
  subtle: SubtleCrypto | undefined = crypto.subtle,
): Promise<Primitives> {
  const candidate = subtle && over(subtle)
  try {
    const made = await candidate?.publicOf(new Uint8Array(32).fill(1))
    if (candidate && made && bytesToHex(made) === publicOfOnes) return candidate
  } catch {
    // An older browser: it does not know the name.
  }
  return plain()
}

function over(subtle: SubtleCrypto): Primitives {
  const agree = async (secret: Uint8Array, theirs: Uint8Array) => {
    const whole = concatBytes(pkcs8, secret)
    try {
      const [key, point] = await Promise.all([
        subtle.importKey('pkcs8', whole, 'X25519', false, ['deriveBits']),
        subtle.importKey('raw', theirs as BufferSource, 'X25519', false, []),
      ])
      return new Uint8Array(await subtle.deriveBits({ name: 'X25519', public: point }, key, 256))
    } finally {
      whole.fill(0)
    }
  }
  return {
    random: randomBytes,
    publicOf: (secret) => agree(secret, base),
    // What a platform says of low order differs (an error, or zeros).
    agree: (secret, theirs) =>
      agree(secret, theirs).then(
        (shared) => (shared.some((byte) => byte !== 0) ? shared : undefined),
        () => undefined,
      ),
  }
}
