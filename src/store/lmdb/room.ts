/**
 * Room in a file of LMDB's. LMDB must meet no write that fails: lmdb 3.5 writes its message about that past the end of 100 bytes,
 * and the process dies of it, at once or soon. So the file is longer than what it holds, by zeros that are written here: a full
 * disk, a quota and a limit are met here, in words. And before each transaction one page of them is written again, so that a disk
 * that takes nothing more is met here, too. One process at a time: another's pages would be written over. All of it happens between
 * transactions and on threads: a write to a file that grows may wait for a commit of the file system, a second on a busy disk.
 *
 * On a disk that is full there is what is ahead, and what was freed in the file. Three kinds of writes share that, so that none takes
 * what another was promised: an append takes only what leaves half of the reserve beside all that the journal has, and any other write a
 * quarter. What makes room (a deletion, a move out of the journal) may take the rest, little at a time, since what it frees is free
 * two transactions later.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, write } from 'node:fs'
import { constants } from 'node:os'
import { promisify } from 'node:util'
import type { RootDatabase } from 'lmdb'
import { StoreError } from '../error.ts'
import { bytesFree } from './pages.ts'

/** The tables of one file. */
export type File = { readonly root: RootDatabase }
/** Writes so many bytes of zeros to a file; answers how many of them. */
export type WriteZeros = (file: number, length: number, at: number) => Promise<number>

/**
 * Bytes that are kept ahead of what the journal has: cursors, timers, moves and expiry are written on. A transaction writes no more
 * pages anew than there are, so a small file needs less.
 */
const [leastReserve, mostReserve] = [1024 * 1024, 16 * 1024 * 1024]
/** Parts of the reserve that an append and any other write leave. */
const [appendsLeave, othersLeave] = [1 / 2, 1 / 4]
/** Bytes that one of the journal may take here: one of 2,100 in a permanent chat, two pages. */
const perByte = 4
/** Without as many bytes no transaction is begun. */
const leastBytes = 256 * 1024
/** Twice the bytes that a row takes which is changed or removed, in pages of the tables that know of it: the next transaction needs as many. */
const perRow = 32 * 1024
const leastRows = 8
/** Milliseconds between two tries to make a file longer on a full disk, as long as there is enough in it. */
const againMs = 100
const zeros = Buffer.alloc(1024 * 1024)
const written = promisify(write)
const writeZeros: WriteZeros = async (file, length, at) =>
  (await written(file, zeros, 0, Math.min(length, zeros.length), at)).bytesWritten

export class Room {
  readonly #tables: File
  readonly #folder: string
  readonly #file: number
  readonly #pageSize: number
  readonly #write: WriteZeros
  /** Bytes of the file, and of those that LMDB uses; the others are zeros, or were pages once. */
  #end: number
  #used = 0
  /** Bytes that are not in the file yet, and must find room in it. */
  #owed = () => 0
  /** Why the file could not be made longer, and when. */
  #refused: StoreError | undefined
  #refusedAt = 0
  /** Bytes that are free in the file after the last transaction, and those of them that were before it, too: the next cannot take the others. */
  #freed = Number.POSITIVE_INFINITY
  #free = 0

  /** `folder`: for people. */
  constructor(tables: File, path: string, folder: string, write = writeZeros) {
    this.#tables = tables
    this.#folder = folder
    this.#write = write
    this.#file = openSync(path, 'r+')
    this.#pageSize = (tables.root.getStats() as { pageSize: number }).pageSize
    this.#end = this.#pages(fstatSync(this.#file).size)
    this.ended()
  }

  /** There is a journal, which has so many bytes of entries. */
  owes(bytes: () => number): void {
    this.#owed = bytes
  }

  /** Whether there is room for so many bytes in the journal: an append may be written. */
  takes(bytes: number): boolean {
    return this.#left >= this.#reserve * appendsLeave + bytes * perByte
  }

  /** Why the file could not be made longer when that was tried last: the disk is full. */
  get refused(): StoreError | undefined {
    return this.#refused
  }

  /** Whether the file is to be made longer before so many bytes are too many. */
  wants(bytes: number): boolean {
    if (this.#ahead >= this.#reserve + bytes * perByte) return false
    return !this.#refused || performance.now() - this.#refusedAt >= againMs
  }

  /** Between transactions: makes the file so long that all finds room, and so many bytes more. Answers why that failed on a full disk. */
  async make(more = 0): Promise<StoreError | undefined> {
    this.#checkThere()
    const wanted = this.#reserve + this.#owed() * perByte + more
    const end = this.#used + wanted + this.#reserve / 4
    const refused = this.#ahead < wanted ? await this.#fill(this.#end, end) : undefined
    if (refused && refused.code !== 'full') throw refused
    if (!refused) this.#freed = Number.POSITIVE_INFINITY
    else if (!this.#refused) this.#look()
    this.#refused = refused
    this.#refusedAt = performance.now()
    return refused
  }

  /**
   * Before a transaction: throws where the file is gone, or LMDB would meet a write that fails. `frees`: it makes room, and may take what
   * is kept for that.
   */
  async prepare(frees: boolean): Promise<void> {
    const refused = await this.make()
    const left = this.#reserve * othersLeave + this.#owed() * perByte
    const least = frees ? leastBytes : Math.max(leastBytes, left)
    if (refused && this.#left < least) throw refused
    // Where nothing is ahead the last page is one of LMDB's.
    const failed = this.#ahead > 0 ? await this.#fill(this.#end - this.#pageSize, this.#end) : undefined
    if (failed) throw failed
  }

  /** After a transaction, also one that failed. */
  ended(): void {
    const { lastPageNumber } = this.#tables.root.getStats() as { lastPageNumber: number }
    this.#used = (lastPageNumber + 1) * this.#pageSize
    this.#end = Math.max(this.#end, this.#used)
    if (this.#refused) this.#look()
  }

  /** Rows that one transaction may change or remove, of `most`: fewer on a full disk. */
  rows(most: number): number {
    return this.#refused ? Math.max(leastRows, Math.min(most, Math.floor(this.#left / perRow))) : most
  }

  /** Bytes that one transaction may move out of the journal, of `most`. */
  bytes(most: number): number {
    return this.#refused ? Math.min(most, this.#left / (2 * perByte)) : most
  }

  /**
   * `trim`: what is ahead goes back to the disk. Where much is used, or is in the journal, the next start has room for that, and to make some
   * on a disk that is full then.
   */
  close(trim: boolean): void {
    const owed = this.#owed()
    const ahead = this.#used < leastReserve && owed === 0 ? 0 : leastBytes + owed * perByte
    if (trim) ftruncateSync(this.#file, Math.min(this.#end, this.#used + ahead))
    closeSync(this.#file)
  }

  /** A file that was removed can be written on, and is lost with the process. */
  #checkThere(): void {
    if (fstatSync(this.#file).nlink === 0) throw removed(this.#folder)
  }

  get #reserve(): number {
    return Math.min(Math.max(this.#used, leastReserve), mostReserve)
  }

  get #ahead(): number {
    return this.#end - this.#used
  }

  /** Bytes that LMDB has for what is new, without more of the disk where that is full. */
  get #left(): number {
    return this.#ahead + (this.#refused ? this.#free : 0)
  }

  #look(): void {
    const { root, ...tables } = this.#tables
    const freed = bytesFree(root, Object.values(tables))
    this.#free = Math.min(freed, this.#freed)
    this.#freed = freed
  }

  /** Bytes of whole pages: a limit may end within one, which is not there then. */
  #pages(bytes: number): number {
    return Math.floor(bytes / this.#pageSize) * this.#pageSize
  }

  async #fill(from: number, to: number): Promise<StoreError | undefined> {
    const end = this.#pages(to + this.#pageSize - 1)
    try {
      for (let at = from; at < end; this.#end = Math.max(this.#end, this.#pages(at)))
        at += await this.#write(this.#file, end - at, at)
      return undefined
    } catch (error) {
      return writeError(this.#folder, error)
    }
  }
}

/** Node has no name for EDQUOT; EFBIG is answered where the size of files is limited. */
const noRoom = [constants.errno.ENOSPC, constants.errno.EDQUOT, constants.errno.EFBIG]

/** What a write that failed means for a store. */
export function writeError(folder: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause
  return isNoRoom(cause) ? full(folder, cause) : failed(folder, (cause as Error).message, cause)
}

/** Whether a write of Node's failed for want of room. */
export const isNoRoom = (error: unknown): boolean =>
  noRoom.includes(-Number((error as NodeJS.ErrnoException).errno ?? 0))

export const full = (folder: string, cause: unknown): StoreError =>
  new StoreError('full', `The disk of ${folder} is full, or its quota; make room, and the node goes on.`, { cause })

export function failed(folder: string, words: string, cause: unknown): StoreError {
  const text = `Writing to ${folder} failed: ${words}. Nothing more is written, and nothing is lost that was said to be safe; look at the disk, and start again.`
  return new StoreError('failed', text, { cause })
}

/** Files that have no name any more are lost with the process. */
export function removed(folder: string): StoreError {
  const text = `The files in ${folder} were removed while they were in use. Nothing more is written, and what was in them is lost: put a backup in their place, or start anew.`
  return new StoreError('failed', text)
}
