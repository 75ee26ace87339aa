/**
 * Room in a file of LMDB's. LMDB must meet no write that fails: lmdb 3.5 writes its message about that past the end of 100 bytes,
 * and the process dies of it, at once or soon. So the file is longer than what it holds, by zeros that are written here: a full
 * disk, a quota and a limit are met here, in words. And before each transaction one page of them is written again, so that a disk
 * that takes nothing more is met here, too. One process at a time: another's pages would be written over.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { constants } from 'node:os'
import type { RootDatabase } from 'lmdb'
import { StoreError } from '../error.ts'
import { bytesFree } from './pages.ts'

/** The tables of one file. */
export type File = { readonly root: RootDatabase }

/**
 * Bytes that appends leave: what the journal holds comes to the tables, and cursors, timers and expiry are written on. A
 * transaction writes no more pages anew than there are, so a small file needs less.
 */
const [leastReserve, mostReserve] = [1024 * 1024, 16 * 1024 * 1024]
/** Without as many bytes no transaction is begun. */
const leastBytes = 256 * 1024
/** Milliseconds between two looks at how much is free in the file, while it is enough; one takes some 100 us. */
const lookMs = 100
const zeros = Buffer.alloc(1024 * 1024)

export class Room {
  readonly #tables: File
  readonly #folder: string
  readonly #file: number
  readonly #pageSize: number
  /** Bytes of the file, and of those that LMDB uses; the others are zeros, or were pages once. */
  #end: number
  #used = 0
  /** A transaction is under way, which may make the file longer itself: nothing is written here meanwhile. */
  #busy = false
  /** Bytes that are to be ahead before the next transaction. */
  #wanted = 0
  /** Why the file could not be made longer. */
  #refused: StoreError | undefined
  #lookedAt = Number.NEGATIVE_INFINITY

  /** `folder`: for people. */
  constructor(tables: File, path: string, folder: string) {
    this.#tables = tables
    this.#folder = folder
    this.#file = openSync(path, 'r+')
    this.#end = fstatSync(this.#file).size
    this.#pageSize = (tables.root.getStats() as { pageSize: number }).pageSize
    this.ended()
  }

  /** Throws where there is no room to append while so many bytes wait to be written, and the reserve is to stay. */
  check(bytes: number): void {
    const least = this.#reserve + 2 * bytes
    if (this.#ahead >= least || performance.now() - this.#lookedAt < lookMs) return
    this.#wanted = Math.max(this.#wanted, least)
    const error = this.#busy ? this.#refused : this.#grow(least)
    if (error && (error.code !== 'full' || this.#ahead + this.#free < least)) throw error
    if (error) this.#lookedAt = performance.now()
  }

  /** As `check` before the next append, and looks now. */
  look(): void {
    this.#checkThere()
    this.#lookedAt = Number.NEGATIVE_INFINITY
    this.check(0)
  }

  /** Before a transaction: throws where the file is gone, or LMDB would meet a write that fails. A full disk has room for what is not appended. */
  prepare(): void {
    this.#checkThere()
    const wanted = Math.max(this.#reserve, this.#wanted)
    const least = Math.max(leastBytes, wanted - this.#reserve)
    this.#wanted = 0
    const error = this.#ahead < wanted ? this.#grow(wanted) : undefined
    if (error && (error.code !== 'full' || this.#ahead + this.#free < least)) throw error
    // Where nothing is ahead the last page is one of LMDB's.
    const refused = this.#ahead > 0 ? this.#write(this.#end - this.#pageSize, this.#pageSize) : undefined
    if (refused) throw refused
    this.#busy = true
  }

  /** After a transaction, also one that failed. */
  ended(): void {
    this.#busy = false
    const { lastPageNumber } = this.#tables.root.getStats() as { lastPageNumber: number }
    this.#used = (lastPageNumber + 1) * this.#pageSize
    this.#end = Math.max(this.#end, this.#used)
  }

  /** `trim`: what is ahead goes back to the disk. Where much is used, the next start has room to make some on a disk that is full then. */
  close(trim: boolean): void {
    const ahead = this.#used < leastReserve ? 0 : leastBytes
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

  get #free(): number {
    const { root, ...tables } = this.#tables
    return bytesFree(root, Object.values(tables))
  }

  /** So that there are so many bytes ahead, and some more for the next time. */
  #grow(ahead: number): StoreError | undefined {
    const end = this.#used + ahead + this.#reserve / 4
    this.#refused = this.#write(this.#end, Math.ceil((end - this.#end) / this.#pageSize) * this.#pageSize)
    return this.#refused
  }

  #write(at: number, length: number): StoreError | undefined {
    try {
      for (const end = at + length; at < end; this.#end = Math.max(this.#end, at))
        at += writeSync(this.#file, zeros, 0, Math.min(end - at, zeros.length), at)
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
