import { readFile } from 'node:fs/promises'
import { type Authenticate, jwtAuthenticate } from '../index.ts'

/** The secret in a file, without the line end. */
export async function readSecret(path: string): Promise<Uint8Array> {
  return new TextEncoder().encode((await readFile(path, 'utf8')).trim())
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
