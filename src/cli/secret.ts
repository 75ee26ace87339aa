import { readFile } from 'node:fs/promises'

/** The secret in a file, without the line end. */
export async function readSecret(path: string): Promise<Uint8Array> {
  return new TextEncoder().encode((await readFile(path, 'utf8')).trim())
}
