/** A disk that may be full for files that would grow. */
import { fstatSync, statSync, writeSync } from 'node:fs'
import { constants } from 'node:os'
import { type OpenOut, openOut } from '../../src/store/lmdb/journal/out.ts'
import type { WriteZeros } from '../../src/store/lmdb/room.ts'

/** Files that may not grow where it is full: those of the journal, or that of the tables, or all. */
export class Disk {
  full = { journal: false, tables: false }

  fill(): void {
    this.full = { journal: true, tables: true }
  }

  readonly room: WriteZeros = async (file, length, at) => {
    const bytes = Math.min(length, 1024 * 1024)
    if (this.full.tables && at + bytes > fstatSync(file).size) throw noSpace()
    return writeSync(file, Buffer.alloc(bytes), 0, bytes, at)
  }

  readonly open: OpenOut = async (path) => {
    const out = await openOut(path)
    let { size } = statSync(path)
    const check = (bytes: Uint8Array, at: number) => {
      if (this.full.journal && at + bytes.length > size) throw noSpace()
      size = Math.max(size, at + bytes.length)
    }
    const write = async (bytes: Uint8Array, at: number) => {
      check(bytes, at)
      await out.write(bytes, at)
    }
    const writeNow = (bytes: Uint8Array, at: number) => {
      check(bytes, at)
      out.writeNow(bytes, at)
    }
    return { ...out, write, writeNow }
  }
}

export const noSpace = () => Object.assign(new Error('no space'), { errno: -constants.errno.ENOSPC })
