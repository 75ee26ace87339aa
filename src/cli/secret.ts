/** Files with secrets: read when the command starts, at each SIGHUP, and when they change. */
import { watchFile } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { shortestSecret } from '../embed/tokens.ts'
import { type Authenticate, jwtAuthenticate, type TokenRules } from '../index.ts'
import type { Log } from './log.ts'
import { Misuse } from './misuse.ts'
import type { Option } from './values.ts'

/** What tokens have to say, beside whom they are for. */
export const claimTable = {
  'token-issuer': {
    text: 'who must have issued a token (iss)',
    value: 'ISSUER',
    default: '',
    otherwise: 'anybody who can sign one',
    env: 'BLUETICK_TOKEN_ISSUER',
  },
  'token-audience': {
    text: 'for which service a token must be (aud)',
    value: 'AUDIENCE',
    default: '',
    otherwise: 'any',
    env: 'BLUETICK_TOKEN_AUDIENCE',
  },
} satisfies Record<string, Option>

export const claimsOf = ({
  'token-issuer': issuer,
  'token-audience': audience,
}: Record<keyof typeof claimTable, string>): Pick<TokenRules, 'issuer' | 'audience'> => ({
  ...(issuer && { issuer }),
  ...(audience && { audience }),
})

/** What is in a file of secrets, without the line end. Throws a Misuse where it cannot be read. */
export async function readSecret(path: string, make = makeSecret(path)): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error) => {
    if (error.code !== 'ENOENT') throw new Misuse(`the secret cannot be read: ${error.message}`)
    throw new Misuse(`there is no file ${path}; make one with: ${make}`)
  })
  return text.trim()
}

/** The command that makes a secret which only its owner can read. */
export const makeSecret = (path: string): string => `(umask 077; openssl rand -hex 32 > ${path})`

/** The secrets of tokens, one in each line: the first signs, all verify. Throws a Misuse also where one is too short. */
export async function readKeys(path: string): Promise<Uint8Array[]> {
  const keys = (await readSecret(path)).split(/\s*\n\s*/).map((line) => new TextEncoder().encode(line))
  for (const [at, { byteLength }] of keys.entries()) {
    if (byteLength >= shortestSecret) continue
    const where = keys.length > 1 ? `secret ${at + 1} in ${path}` : `the secret in ${path}`
    throw new Misuse(
      `${where} has ${byteLength} bytes, and needs at least ${shortestSecret}; make one with: ${makeSecret(path)}`,
    )
  }
  return keys
}

/** How often a file is looked at. */
const lookMs = 2_000

/** What a file has, read anew at each SIGHUP and when it has changed, and as it was where that cannot be. `what`: as sentences call it; `then`: what follows from another one. */
export async function rereading<T>(
  path: string,
  read: (path: string) => Promise<T>,
  what: string,
  then: string,
  log: Log,
): Promise<() => T> {
  let known = await read(path)
  const again = async (why: string) => {
    try {
      known = await read(path)
      log.say(`${why}: read ${path} again; ${then}`)
    } catch (error) {
      log.warn(`${why}: the ${what} stays as it was: ${(error as Error).message}`)
    }
  }
  process.on('SIGHUP', () => again('SIGHUP'))
  // By its times and its inode: a secret of Kubernetes changes by a link to another folder.
  watchFile(path, { interval: lookMs, persistent: false }, (now, before) => {
    if (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino) void again('It has changed')
  })
  return () => known
}

/** Checks tokens by the secrets in a file, as well as by `rules`. */
export async function secretsOf(path: string, rules: TokenRules, log: Log): Promise<Authenticate> {
  const read = async () => jwtAuthenticate({ ...rules, secrets: await readKeys(path) })
  const then = 'tokens that none of its secrets has signed are refused from now on. Connections that are open stay.'
  const check = await rereading(path, read, 'secret', then, log)
  return (token, client) => check()(token, client)
}
