import { readFile } from 'node:fs/promises'
import { type Authenticate, jwtAuthenticate } from '../index.ts'
import { Misuse } from './misuse.ts'

/** The secret in a file, without the line end. Throws a Misuse where it cannot be read. */
export async function readSecret(path: string): Promise<Uint8Array> {
  const text = await readFile(path, 'utf8').catch((error) => {
    if (error.code !== 'ENOENT') throw new Misuse(`the secret cannot be read: ${error.message}`)
    throw new Misuse(`there is no file ${path}; make one with: openssl rand -hex 32 > ${path}`)
  })
  return new TextEncoder().encode(text.trim())
}

/** Checks tokens by the secret in a file, and reads it again at each SIGHUP: tokens of the former one are then refused. */
export async function rereadAtHangUp(path: string): Promise<Authenticate> {
  let authenticate = jwtAuthenticate(await readSecret(path))
  process.on('SIGHUP', async () => {
    try {
      authenticate = jwtAuthenticate(await readSecret(path))
      console.log(`SIGHUP: the secret is the one that ${path} has now. Who is connected stays.`)
    } catch (error) {
      console.error(`SIGHUP: the secret stays as it was: ${(error as Error).message}`)
    }
  })
  return (token, client) => authenticate(token, client)
}
