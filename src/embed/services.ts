/** Hooks that ask a service over HTTP, in requests that are signed as webhooks are. Where it cannot tell, nobody is let in and nothing is let through, for now. */
import { writeBytes } from '../protocol/json.ts'
import { checkOptions, isAny, isText, type Rule } from '../protocol/options.ts'
import { systemClock } from '../runtime/index.ts'
import { type Allow, type Authenticate, type Identity, Unavailable } from './authenticate.ts'
import { type Answered, post, reasonOf } from './signed.ts'
import { checkUrl, keysOf, type SigningSecrets } from './webhooks.ts'

export type ServiceOptions = {
  readonly url: string
  /** Each `whsec_` and the base64 of 24 to 64 bytes; all sign. */
  readonly secrets: SigningSecrets
}

const rules: Record<keyof ServiceOptions, Rule> = { url: isText, secrets: isAny }
/** Before a node asks no longer (src/embed/deadline.ts): then it is known why. */
const deadlineMs = 8_000

/**
 * Asks a service who a token stands for: `{ type: 'authenticate', data: { token, device, address } }`. It answers 200 and an Identity
 * as JSON, or 401 or 403: the token is not valid. After anything else the client comes again. Throws for options that cannot be.
 */
export function httpAuthenticate(options: ServiceOptions): Authenticate {
  check('httpAuthenticate', options)
  return async (token, { device, address }) => {
    const response = await ask(options, 'authenticate', { token, device, address })
    if (response.status === 401 || response.status === 403) return undefined
    const { user, ...more } = answerOf(options, response) as Partial<Identity>
    if (typeof user !== 'string') throw new Unavailable(`${options.url} did not answer { user }`)
    const { device: bound, expires, issuedAt } = more
    return {
      user,
      ...(bound !== undefined && { device: bound }),
      ...(expires !== undefined && { expires }),
      ...(issuedAt !== undefined && { issuedAt }),
    }
  }
}

/**
 * Asks a service whether a send may be delivered: `{ type: 'allow', data: { id, from, to, body, change } }`. It answers 200 and
 * `{ "allow": true }` or `{ "allow": false }`. After anything else the send is to come again. Throws for options that cannot be.
 */
export function httpAllow(options: ServiceOptions): Allow {
  check('httpAllow', options)
  return async (message) => {
    const { allow } = answerOf(options, await ask(options, 'allow', message)) as { allow?: unknown }
    if (typeof allow !== 'boolean') throw new Unavailable(`${options.url} did not answer { allow }`)
    return allow
  }
}

function check(of: string, options: ServiceOptions): void {
  checkOptions(of, options, rules, ['url', 'secrets'])
  checkUrl(`${of}: url`, options.url)
  keysOf(options.secrets)
}

async function ask({ url, secrets }: ServiceOptions, type: string, data: object): Promise<Answered> {
  const now = systemClock.now()
  const body = JSON.stringify({ type, timestamp: new Date(now).toISOString(), data }, writeBytes)
  try {
    return await post({ url, secrets, id: systemClock.uuid(), now, body, deadlineMs })
  } catch (cause) {
    throw new Unavailable(`${url} does not answer: ${reasonOf(cause)}`, { cause })
  }
}

function answerOf({ url }: ServiceOptions, { status, text }: Answered): object {
  if (status !== 200) throw new Unavailable(`${url} answered ${status}`)
  try {
    return Object(JSON.parse(text))
  } catch (cause) {
    throw new Unavailable(`${url} did not answer JSON: ${reasonOf(cause)}`, { cause })
  }
}
