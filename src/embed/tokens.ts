/** Tokens: JWTs (RFC 7519). `sub` is the user, `device` binds the token to one device. */
import { decodeProtectedHeader, type JWTPayload, type JWTVerifyOptions, jwtVerify, SignJWT } from 'jose'
import { checkOptions, isText, type Rule } from '../protocol/options.ts'
import { type Authenticate, type Identity, inMillis } from './authenticate.ts'
import { isForHere } from './here.ts'
import { issuerKeys, KeysUnavailable } from './issuer.ts'

/** Which tokens count. One of `secrets` and `jwks` is needed; with both, either signs. */
export type TokenRules = {
  /** Each at least 32 bytes, for HS256. All verify, so that one can follow another; `makeToken` signs with the first. */
  readonly secrets?: readonly Uint8Array[]
  /**
   * Where an issuer publishes its keys (JWKS), for RS256, ES256 and EdDSA. They are read when a first token needs them, again every ten
   * minutes, and when a token names another. An issuer that does not answer sends nobody away for good: clients are told to come back.
   */
  readonly jwks?: string
  /** What `iss` must be. Missing: anything. */
  readonly issuer?: string
  /** What `aud` must have. Missing: anything. An issuer that has other audiences signs tokens for them with the same keys. */
  readonly audience?: string
}

const rules: Record<keyof TokenRules, Rule> = {
  secrets: { words: 'a list of secrets', fits: Array.isArray },
  jwks: isText,
  issuer: isText,
  audience: isText,
}

/**
 * An `authenticate` function for signed tokens: those of `makeToken`, or of an issuer. A secret alone is `{ secrets: [secret] }`. Throws
 * a TypeError or a RangeError for what cannot be, such as a secret shorter than 32 bytes.
 */
export function jwtAuthenticate(by: Uint8Array | TokenRules): Authenticate {
  const check = checks(by instanceof Uint8Array || typeof by !== 'object' ? { secrets: [by] } : by)
  return async (token) => {
    const payload = token === null ? undefined : await check(token)
    return payload && identityOf(payload)
  }
}

type Check = (token: string) => Promise<JWTPayload | undefined>

function checks(by: TokenRules): Check {
  checkOptions('jwtAuthenticate', by, rules)
  const { secrets = [], jwks, issuer, audience } = by
  if (secrets.length === 0 && jwks === undefined)
    throw new TypeError('jwtAuthenticate needs secrets, or jwks: where an issuer publishes its keys')
  for (const secret of secrets) checkSecret(secret)
  const claims = { requiredClaims: ['sub'], ...(issuer && { issuer }), ...(audience && { audience }) }
  const ofSecrets = bySecrets(secrets, claims)
  const ofIssuer = jwks === undefined ? undefined : byIssuer(jwksUrl(jwks), claims)
  return async (token) => (isHs256(token) ? ofSecrets(token) : ofIssuer?.(token))
}

/** A secret verifies no token that says it was signed with a public key, nor the other way around. */
function isHs256(token: string): boolean {
  try {
    return decodeProtectedHeader(token).alg === 'HS256'
  } catch {
    return false
  }
}

function bySecrets(secrets: readonly Uint8Array[], claims: JWTVerifyOptions): Check {
  const options = { ...claims, algorithms: ['HS256'] }
  return async (token) => {
    for (const secret of secrets) {
      const payload = await jwtVerify(token, secret, options).then(
        (verified) => verified.payload,
        () => undefined,
      )
      if (payload) return payload
    }
    return undefined
  }
}

function byIssuer(url: URL, claims: JWTVerifyOptions): Check {
  const [keys, options] = [
    issuerKeys(url, () => performance.now()),
    { ...claims, algorithms: ['RS256', 'ES256', 'EdDSA', 'Ed25519'] },
  ]
  return async (token) => {
    try {
      return (await jwtVerify(token, keys, options)).payload
    } catch (error) {
      if (error instanceof KeysUnavailable) throw error
      return undefined
    }
  }
}

/** Throws a TypeError. Keys that come over an open network may be anybody's. */
function jwksUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isHere = url?.protocol === 'http:' && isForHere(url.hostname.replace(/^\[|\]$/g, ''))
  if (url && (url.protocol === 'https:' || isHere)) return url
  throw new TypeError(`jwks must be an address of https, or of http on the loopback, not "${text}"`)
}

/** A token is another program's work: its types are not checked. */
function identityOf({ sub: user, device, exp, iat = 0 }: JWTPayload): Identity | undefined {
  if (typeof user !== 'string' || !(device === undefined || typeof device === 'string')) return undefined
  if (typeof iat !== 'number') return undefined
  const times = { issuedAt: iat * 1000, ...(exp !== undefined && { expires: exp * 1000 }) }
  const identity: Identity = { user, ...(device !== undefined && { device }), ...times }
  inMillis.add(identity)
  return identity
}

/** Whom a token is for. `issuer` and `audience`: where the node asks for them. */
type TokenFor = Pick<Identity, 'user' | 'device'> & Pick<TokenRules, 'issuer' | 'audience'>

/** A token for a user, valid for `seconds`, signed with HS256. */
export function makeToken(
  secret: Uint8Array,
  { user, device, issuer, audience }: TokenFor,
  seconds: number,
): Promise<string> {
  checkSecret(secret)
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    sub: user,
    ...(device !== undefined && { device }),
    ...(issuer !== undefined && { iss: issuer }),
    ...(audience !== undefined && { aud: audience }),
    iat: now,
    exp: now + seconds,
  }
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(secret)
}

/** Bytes. */
export const shortestSecret = 32

function checkSecret(secret: Uint8Array): void {
  if (!(secret instanceof Uint8Array)) throw new TypeError('The secret must be bytes: new TextEncoder().encode(text)')
  if (secret.byteLength < shortestSecret)
    throw new RangeError(`The secret must have at least ${shortestSecret} bytes; make one with: openssl rand -hex 32`)
}
