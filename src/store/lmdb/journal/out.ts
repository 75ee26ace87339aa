/**
 * Writes to a file that are on the disk when they have returned: one call for both where the system has O_DSYNC, else a write and
 * a sync. Windows has no O_DSYNC, with which open would take part of the flags without a word; that of macOS does not flush the drive.
 */
import { closeSync, constants, fdatasync, fdatasyncSync, fstatSync, open, write, writeSync } from 'node:fs'
import { promisify } from 'node:util'

/** What a journal needs of a disk. */
export interface Out {
  /** Durable when it resolves, on a thread of libuv's. The bytes are not touched until then. */
  write(bytes: Uint8Array, at: number): Promise<void>
  /** Durable when it returns. */
  writeNow(bytes: Uint8Array, at: number): void
  /** Whether the file still has a name. */
  isThere(): boolean
  close(): void
}
export type OpenOut = (path: string) => Promise<Out>

/** Whether one call writes and syncs. */
export const hasDsync = (platform: NodeJS.Platform, flag: number | undefined): flag is number =>
  flag !== undefined && platform !== 'darwin' && platform !== 'win32'

const dsync = hasDsync(process.platform, constants.O_DSYNC) ? constants.O_DSYNC : 0
const [opened, synced] = [promisify(open), promisify(fdatasync)]

/** Opens a file, which is made if need be. */
export const openOut: OpenOut = async (path) => {
  const file = await opened(path, constants.O_RDWR | constants.O_CREAT | dsync, 0o600)
  return {
    async write(bytes, at) {
      for (let done = 0; done < bytes.length; ) done += await some(file, bytes, done, at)
      if (!dsync) await synced(file)
    },
    writeNow(bytes, at) {
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, at + done)
      if (!dsync) fdatasyncSync(file)
    },
    isThere: () => fstatSync(file).nlink > 0,
    close: () => closeSync(file),
  }
}

/** A write may take less than it was given. */
const some = (file: number, bytes: Uint8Array, from: number, at: number): Promise<number> =>
  new Promise((resolve, reject) => {
    write(file, bytes, from, bytes.length - from, at + from, (error, count) => (error ? reject(error) : resolve(count)))
  })
