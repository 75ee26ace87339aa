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

/** Checks tokens by the secret in a file, and reads it again at each SIGHUP: tokens of the former one are then refused. */
export async function rereadAtHangUp(path: string): Promise<Authenticate> {
  let authenticate = jwtAuthenticate(await readKey(path))
  process.on('SIGHUP', async () => {
    try {
      authenticate = jwtAuthenticate(await readKey(path))
      console.log(
        `SIGHUP: read ${path} again; tokens of the former secret are refused from now on. Connections that are open stay.`,
      )
    } catch (error) {
      console.error(`SIGHUP: the secret stays as it was: ${(error as Error).message}`)
    }
  })
  return (token, client) => authenticate(token, client)
}
