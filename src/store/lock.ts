import { join } from 'node:path'
import { lockFile } from '../file-lock.ts'
import { StoreError } from './error.ts'

/** Takes a folder for this process and returns what gives it back. The lock is gone when the process is. */
export function lockFolder(path: string): () => void {
  const lock = lockFile(join(path, 'LOCK'))
  if (lock.held) return lock.release
  throw new StoreError('locked', `The folder ${path} is in use by ${lock.by}; stop it or choose another folder.`)
}
