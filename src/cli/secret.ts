import { readFile } from 'node:fs/promises'
import { shortestSecret } from '../embed/tokens.ts'
import { type Authenticate, jwtAuthenticate } from '../index.ts'
import { Misuse } from './misuse.ts'

/** The secret in a file, without the line end. Throws a Misuse where it cannot be read. */
export async function readSecret(path: string): Promise<Uint8Array> {
  const text = await readFile(path, 'utf8').catch((error) => {
    if (error.code !== 'ENOENT') throw new Misuse(`the secret cannot be read: ${error.message}`)
    throw new Misuse(`there is no file ${path}; make one with: ${makeSecret(path)}`)
  })
  return new TextEncoder().encode(text.trim())
}

/** The command that makes a secret which only its owner can read. */
export const makeSecret = (path: string): string => `(umask 077; openssl rand -hex 32 > ${path})`

/** The secret that signs tokens. Throws a Misuse also where it is too short. */
export async function readKey(path: string): Promise<Uint8Array> {
  const key = await readSecret(path)
  if (key.byteLength >= shortestSecret) return key
  throw new Misuse(
    `the secret in ${path} has ${key.byteLength} bytes, and needs at least ${shortestSecret}; make one with: ${makeSecret(path)}`,
  )
}

/** What a file has, read anew at each SIGHUP, and as it was where that cannot be. `what`: as sentences call it; `then`: what follows from another one. */
export async function rereadAtHangUp<T>(
  path: string,
  read: (path: string) => Promise<T>,
  what: string,
  then: string,
): Promise<() => T> {
  let known = await read(path)
  process.on('SIGHUP', async () => {
    try {
      known = await read(path)
      console.log(`SIGHUP: read ${path} again; ${then}`)
    } catch (error) {
      console.error(`SIGHUP: the ${what} stays as it was: ${(error as Error).message}`)
    }
  })
  return () => known
}

/** Checks tokens by the secret in a file. */
export async function secretOf(path: string): Promise<Authenticate> {
  const then = 'tokens of the former secret are refused from now on. Connections that are open stay.'
  const check = await rereadAtHangUp(path, async () => jwtAuthenticate(await readKey(path)), 'secret', then)
  return (token, client) => check()(token, client)
}
