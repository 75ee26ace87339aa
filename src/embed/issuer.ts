/** The public keys of an issuer of tokens, read from where it publishes them (JWKS, RFC 7517). */
import { createRemoteJWKSet, errors, type JWSHeaderParameters, type JWTVerifyGetKey } from 'jose'
import type { Millis } from '../protocol/ids.ts'

/** Whether a key is the issuer's cannot be told now. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable'
}

/** After this time the keys are read again, beside what is going on. */
const freshMs: Millis = 600_000
/** Keys that could not be read again count for so long. An issuer that takes a key back is heeded by then. */
const staleMs: Millis = 86_400_000
/** The issuer is asked at most once in this time, whatever keys are named to this node. */
const pauseMs: Millis = 5_000

type Given = Parameters<JWTVerifyGetKey>

/**
 * Finds the key of a token. Rejects with KeysUnavailable where the issuer does not answer, or was asked a moment ago for a key that
 * it did not have: it may have begun to sign with a new one since. Any other rejection says that the issuer has no such key.
 */
export function issuerKeys(url: URL, now: () => Millis): JWTVerifyGetKey {
  // When to read is decided here, by a clock that nobody sets, and so that keys outlive an issuer that is away.
  const keys = createRemoteJWKSet(url, {
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: Number.POSITIVE_INFINITY,
  })
  let isAway = false
  let reads = 0
  let readAt = Number.NEGATIVE_INFINITY
  let asked: { readonly at: Millis; readonly answer: Promise<void> } | undefined
  const read = (): Promise<void> => {
    if (asked && now() - asked.at < pauseMs) return asked.answer
    const answer = keys.reload().then(
      () => {
        readAt = now()
        reads += 1
        isAway = false
      },
      (cause) => {
        throw new KeysUnavailable(`the keys at ${url} cannot be read: ${reasonOf(cause)}`, { cause })
      },
    )
    asked = { at: now(), answer }
    return answer
  }
  const warn = ({ message }: Error) => {
    if (!isAway) process.emitWarning(`${message}; those that are known count for a day`)
    isAway = true
  }
  return async (...given: Given) => {
    const age = now() - readAt
    if (age >= staleMs) await read()
    else if (age >= freshMs) read().catch(warn)
    const before = reads
    const found = await keys(...given).catch(orUnknown)
    if (found) return found
    await read()
    const again = await keys(...given).catch(orUnknown)
    if (again) return again
    if (reads > before) throw new errors.JWKSNoMatchingKey()
    throw new KeysUnavailable(`the keys at ${url}, read a moment ago, have none for ${nameOf(given[0])}`)
  }
}

/** Undefined: the issuer had no such key when it was asked last. */
function orUnknown(error: unknown): undefined {
  if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
}

const nameOf = ({ kid, alg }: JWSHeaderParameters): string => (kid === undefined ? `a token of ${alg}` : `"${kid}"`)

/** `fetch` says "fetch failed", and why in its cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error && cause.message ? cause.message : message
}
