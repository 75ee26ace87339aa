/**
 * The files of a journal, in a folder of their own: `7` is file number 7, and has its head for as long as it has this name. What is not
 * needed any more is used again under another number, which overwrites instead of making room: a file that grows costs the file system
 * a commit of its own at each write.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isNoRoom } from '../room.ts'
import { packHead, pageBytes } from './format.ts'
import { aligned, type OpenOut, type Out, openOut } from './out.ts'

/** A file without a number. */
const spare = 'spare'
const pinned = 'pinned-'
/** Bytes of zeros that are written at a time: no write waits for more of them. */
const zeros = aligned(256 * 1024)

/** A file that records are written to. `end`: where the next one goes. `last`: the number of the last one. */
export type Claimed = {
  readonly number: number
  readonly size: number
  readonly salt: Buffer
  readonly out: Out
  end: number
  last: number
}
/** The files that may have records that are needed: from `oldest` to `claimed`. */
export type Kept = { readonly oldest: number; readonly claimed: number }

export class JournalFolder {
  readonly #path: string
  readonly #open: OpenOut

  constructor(path: string, open = openOut) {
    this.#path = path
    this.#open = open
  }

  /** The numbers of the files. */
  numbers(): number[] {
    const names = existsSync(this.#path) ? readdirSync(this.#path) : []
    return names.filter((name) => /^\d+$/.test(name)).map(Number)
  }

  path(number: number): string {
    return join(this.#path, String(number))
  }

  /** Files that are not needed any more. */
  spares({ oldest, claimed }: Kept): string[] {
    const free = this.numbers().filter((number) => number < oldest || number > claimed)
    const paths = free.map((number) => this.path(number))
    return existsSync(join(this.#path, spare)) ? [join(this.#path, spare), ...paths] : paths
  }

  /**
   * Makes a file that is ready for records, of one that is not needed any more or anew. What it was has lost its name for good before
   * its head changes, and it has the number only once its head is on the disk: whoever finds a file with a number may believe its head.
   * `size`: what is wanted, which may become less meanwhile.
   */
  async claim(store: number, number: number, size: () => number, least: number, kept: Kept): Promise<Claimed> {
    if (mkdirSync(this.#path, { recursive: true, mode: 0o700 })) await syncFolder(dirname(this.#path))
    const path = join(this.#path, spare)
    await this.#take(path, kept)
    const out = await this.#open(path)
    try {
      const bytes = await this.#fill(out, path, size, least)
      const salt = randomBytes(8)
      await out.write(packHead({ store, number, size: bytes, salt }), 0)
      await rename(path, this.path(number))
      await syncFolder(this.#path)
      return { number, size: bytes, salt, out, end: pageBytes, last: 0 }
    } catch (error) {
      out.close()
      // Whoever frees room on a full disk gets this, too.
      if (isNoRoom(error)) await rm(path, { force: true })
      throw error
    }
  }

  /** Somebody who copies a file has another name for it: then it is left to them. */
  async #take(path: string, kept: Kept): Promise<void> {
    const [found] = this.spares(kept)
    if (found === undefined) return
    if (statSync(found).nlink > 1) await rm(found)
    else if (found !== path) await rename(found, path)
    await syncFolder(this.#path)
  }

  /** Writes zeros behind the end of a file, up to `size`; where there is no room for these, `least` must do. Answers its bytes. */
  async #fill(out: Out, path: string, size: () => number, least: number): Promise<number> {
    let bytes = Math.floor(statSync(path).size / pageBytes) * pageBytes
    try {
      for (let left = size() - bytes; left > 0; left = size() - bytes) {
        const piece = zeros.subarray(0, Math.min(left, zeros.length))
        await out.write(piece, bytes)
        bytes += piece.length
      }
    } catch (error) {
      if (!isNoRoom(error) || bytes < least) throw error
    }
    return bytes
  }

  /** Removes all that is not needed, and what a killed backup has left. */
  async removeAll(): Promise<void> {
    await rm(this.#path, { recursive: true, force: true })
  }
}

export const folderOf = (data: string): string => join(data, 'journal')

async function syncFolder(path: string): Promise<void> {
  // Windows cannot sync a folder, and need not.
  if (process.platform === 'win32') return
  const handle = await open(path, 'r')
  await handle.sync().finally(() => handle.close())
}

/**
 * Gives the files of a journal names of its own to whoever copies them, so that they are not used again meanwhile; answers the folder
 * with these. A file system may have no second names: then a file that is used again is found by its head.
 */
export function pinFiles(data: string): string {
  const pins = mkdtempSync(join(folderOf(data), pinned))
  for (const number of new JournalFolder(folderOf(data)).numbers())
    try {
      linkSync(join(folderOf(data), String(number)), join(pins, String(number)))
    } catch {
      // It has just got another number, or may have no other name.
    }
  return pins
}

/** What backups that were killed have left. */
export function removePins(data: string): void {
  const names = existsSync(folderOf(data)) ? readdirSync(folderOf(data)) : []
  for (const name of names)
    if (name.startsWith(pinned)) rmSync(join(folderOf(data), name), { recursive: true, force: true })
}
