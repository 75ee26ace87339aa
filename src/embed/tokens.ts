/** Tokens: JWTs, signed with HS256 and a secret of at least 32 bytes. `sub` is the user, `device` binds the token to one device. */
import { jwtVerify, SignJWT } from 'jose'
import { type Authenticate, type Identity, inMillis } from './authenticate.ts'

/** An `authenticate` function for tokens of `makeToken`. Throws when the secret is shorter than 32 bytes. */
export function jwtAuthenticate(secret: Uint8Array): Authenticate {
  checkSecret(secret)
  return async (token) => {
    if (token === null) return undefined
    const rules = { algorithms: ['HS256'], requiredClaims: ['sub'] }
    const payload = await jwtVerify(token, secret, rules).then(
      (verified) => verified.payload,
      () => undefined,
    )
    // A token is another program's work: its types are not checked.
    const { sub: user, device } = payload ?? {}
    if (typeof user !== 'string' || !(device === undefined || typeof device === 'string')) return undefined
    const { exp, iat = 0 } = payload ?? {}
    if (typeof iat !== 'number') return undefined
    const times = { issuedAt: iat * 1000, ...(exp !== undefined && { expires: exp * 1000 }) }
    const identity: Identity = { user, ...(device !== undefined && { device }), ...times }
    inMillis.add(identity)
    return identity
  }
}

/** A token for a user, valid for `seconds`. */
export function makeToken(
  secret: Uint8Array,
  { user, device }: Pick<Identity, 'user' | 'device'>,
  seconds: number,
): Promise<string> {
  checkSecret(secret)
  const claims = device === undefined ? {} : { device }
  const now = Math.floor(Date.now() / 1000)
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setIssuedAt(now)
    .setExpirationTime(now + seconds)
    .sign(secret)
}

/** Bytes. */
export const shortestSecret = 32

function checkSecret(secret: Uint8Array): void {
  if (!(secret instanceof Uint8Array)) throw new TypeError('The secret must be bytes: new TextEncoder().encode(text)')
  if (secret.byteLength < shortestSecret)
    throw new RangeError(`The secret must have at least ${shortestSecret} bytes; make one with: openssl rand -hex 32`)
}
