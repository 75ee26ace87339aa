/**
 * Whether a file of LMDB's can be opened. LMDB believes what it finds: of a damaged file it dies by a signal, or has no rows.
 * So its trees are walked before: every page that they name is in the file, and is what its place says. The pages of values
 * are not read (rows.ts has checksums of them): a file of 1 GB takes about 0.1 s.
 */
import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { StoreError } from '../contract.ts'
import { metaOf, nodesOf, type Tree } from './format.ts'

/** A tree of LMDB's is never as deep as this. */
const mostLevels = 32
/** Pages that are looked at in one turn of the event loop: some milliseconds. */
const pagesAtOnce = 1_000

/**
 * Rejects with a StoreError where the file is damaged. One that is not there, or is empty, is to be made; but not beside what
 * is made after it: `later`, a file or a folder with something in it, or the file of LMDB's locks. Then it was lost.
 */
export async function checkFile(path: string, later = `${path}-lock`): Promise<void> {
  const file = openIfThere(path)
  try {
    const size = file === undefined ? 0 : fstatSync(file).size
    if (file !== undefined && size > 0) await new Check(file, size).run()
    else for (const other of [later, `${path}-lock`]) checkNothing(other)
  } catch (cause) {
    if (!(cause instanceof Damage)) throw cause
    const text = `The file ${path} is damaged: ${cause.message}. Put a backup in its place, or move its folder away to begin anew.`
    throw new StoreError('corrupt', text, { cause })
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

function checkNothing(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false })
  const some = found?.isDirectory() ? readdirSync(path).length > 0 : (found?.size ?? 0) > 0
  if (some) throw new Damage(`nothing is in it, but something is in ${path}`)
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** What is wrong with a file. */
class Damage extends Error {}

class Check {
  readonly #file: number
  readonly #size: number
  readonly #page = Buffer.alloc(64 * 1024)
  #pageSize = 0
  /** One bit for each page of the file that a tree names. */
  #named = new Uint8Array()
  #count = 0

  constructor(file: number, size: number) {
    this.#file = file
    this.#size = size
  }

  async run(): Promise<void> {
    const first = this.#meta(0)
    this.#pageSize = first.pageSize
    const second = this.#meta(first.pageSize)
    if (second.pageSize !== first.pageSize) throw new Damage('its two heads do not agree')
    const { trees, transaction } = first.transaction > second.transaction ? first : second
    this.#named = new Uint8Array(Math.ceil(this.#size / this.#pageSize / 8))
    for (const tree of trees) await this.#walk(tree, transaction)
  }

  #meta(at: number) {
    const meta = metaOf(this.#read(at, 4096))
    if (!meta) throw new Damage('it has not the head of a file of LMDB')
    return meta
  }

  /** Level by level; a table within a table is walked when it is met. */
  async #walk({ root, depth }: Tree, transaction: number): Promise<void> {
    if (root === undefined) return
    if (depth < 1 || depth > mostLevels) throw new Damage(`a tree has ${depth} levels`)
    let pages = [root]
    for (let level = depth; level > 0; level--) {
      const next: number[] = []
      for (const page of pages) {
        this.#name(page, 1)
        const nodes = nodesOf(this.#read(page * this.#pageSize, this.#pageSize), {
          page,
          transaction,
          leaf: level === 1,
        })
        if (!nodes) throw new Damage(`page ${page} is not what it was`)
        next.push(...nodes.pages)
        for (const { page, count } of nodes.values) this.#name(page, count)
        for (const tree of nodes.trees) await this.#walk(tree, transaction)
        if (++this.#count % pagesAtOnce === 0) await new Promise(setImmediate)
      }
      // In the order of the file, which a disk likes.
      pages = next.sort((a, b) => a - b)
    }
  }

  /** A page belongs to one tree, once, and is there. */
  #name(page: number, count: number): void {
    const end = page + count
    if (page < 2 || end * this.#pageSize > this.#size)
      throw new Damage(`it names page ${end - 1}, and ends at page ${Math.floor(this.#size / this.#pageSize) - 1}`)
    for (let at = page; at < end; at++) {
      const [byte, bit] = [at >> 3, 1 << (at & 7)]
      if ((this.#named[byte] as number) & bit) throw new Damage(`page ${at} is named twice`)
      this.#named[byte] = (this.#named[byte] as number) | bit
    }
  }

  /** Zeros behind the end. */
  #read(at: number, length: number): Buffer {
    const bytes = this.#page.subarray(0, length)
    bytes.fill(0, readSync(this.#file, bytes, 0, length, at))
    return bytes
  }
}
