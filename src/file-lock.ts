/**
 * One process at a time, by a lock of the kernel's on an open file: it dies with the process, whatever killed that, and holds
 * between containers, which do not see each other's processes. What the file says is for people only.
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { tryLock } from 'fs-native-extensions'

export type FileLock =
  | { readonly held: true; readonly release: () => void }
  /** `by`: a process, and on which host; a container is a host of its own. */
  | { readonly held: false; readonly by: string }

/** Takes the lock that is the file `path`, which is made if need be. Throws where that cannot be written, or cannot be locked. */
export function lockFile(path: string): FileLock {
  for (;;) {
    const file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
    const taken = attempt(file)
    if (taken && isAt(path, file)) {
      name(file)
      return { held: true, release: () => release(path, file) }
    }
    closeSync(file)
    // Taken, but of a holder who has just removed it: another may be locked under this name.
    if (!taken) return { held: false, by: holder(path) }
  }
}

function attempt(file: number): boolean {
  try {
    return tryLock(file)
  } catch (error) {
    closeSync(file)
    throw error
  }
}

/** Whether the open file still has this name. */
function isAt(path: string, file: number): boolean {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  const { dev, ino } = fstatSync(file, { bigint: true })
  return found?.ino === ino && found.dev === dev
}

function name(file: number): void {
  try {
    ftruncateSync(file)
    writeSync(file, `process ${process.pid} on ${hostname()}`)
  } catch {
    // The disk is full: it is locked without a name.
  }
}

function holder(path: string): string {
  try {
    return readFileSync(path, 'utf8') || 'another process'
  } catch {
    return 'another process'
  }
}

/** It is removed while it is locked: who has opened it meanwhile finds that it has no name any more. */
function release(path: string, file: number): void {
  if (isAt(path, file)) rmSync(path, { force: true })
  closeSync(file)
}
