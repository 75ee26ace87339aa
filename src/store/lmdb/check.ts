/**
 * Whether a file of LMDB's can be opened. LMDB believes what it finds: of a damaged file it dies by a signal, or has no rows.
 * So its trees are walked before: every page that they name is in the file, is what its place says, and is neither named again
 * nor free; and each tree has as many pages and rows as LMDB counted, which pages that a disk did not write have not. The
 * pages of values are not read (table.ts has checksums of them): a file of 1 GB takes about 0.3 s.
 */
import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { StoreError } from '../error.ts'
import { type Counts, freeOf, listsOf, metaOf, type Nodes, nodesOf, type Place, type Run, type Tree } from './format.ts'

/** A tree of LMDB's is never as deep as this. */
const mostLevels = 32
/** Nor has a file as many pages: 8 TB. */
const mostPages = 2 ** 31
/** Pages that are looked at in one turn of the event loop: some milliseconds. */
const pagesAtOnce = 1_000

/**
 * Rejects with a StoreError where the file is damaged. One that is not there, or is empty, is to be made; but not beside what
 * is made after it: `later`, files or folders with something in them, or the file of LMDB's locks. Then it was lost.
 */
export async function checkFile(path: string, ...later: readonly string[]): Promise<void> {
  const file = openIfThere(path)
  try {
    const size = file === undefined ? 0 : fstatSync(file).size
    if (file !== undefined && size > 0) await new Check(file, size).run()
    else for (const other of [...later, `${path}-lock`]) checkNothing(other)
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

/** What people read. */
const words = { branches: 'pages of branches', leaves: 'pages of leaves', values: 'pages of values', rows: 'rows' }

/** What is wrong with a file. */
class Damage extends Error {}

class Check {
  readonly #file: number
  readonly #size: number
  readonly #page = Buffer.alloc(64 * 1024)
  #pageSize = 0
  /** Of the head that came later. */
  #transaction = 0
  /** The last page that a tree may name. */
  #last = 0
  /** One bit for each page of the file that a tree names, or that is free. */
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
    const { main, free, last, transaction } = first.transaction > second.transaction ? first : second
    if (last >= mostPages) throw new Damage(`it has ${last} pages`)
    this.#transaction = transaction
    this.#last = Math.min(last, Math.floor(this.#size / this.#pageSize) - 1)
    this.#named = new Uint8Array(Math.ceil((last + 1) / 8))
    const lists: Buffer[] = []
    await this.#walk(free, (leaf) => lists.push(...listsOf(leaf).map((place) => this.#list(leaf, place))))
    await this.#walk(main)
    for (const list of lists) this.#nameFree(list, last)
  }

  #meta(at: number) {
    const meta = metaOf(this.#read(at, 4096))
    if (!meta) throw new Damage('it has not the head of a file of LMDB')
    return meta
  }

  /** Level by level; a table within a table is walked when it is met. */
  async #walk({ root, depth, counts }: Tree, onLeaf?: (page: Buffer) => void): Promise<void> {
    if (root !== undefined && (depth < 1 || depth > mostLevels)) throw new Damage(`a tree has ${depth} levels`)
    const found = { branches: 0, leaves: 0, values: 0, rows: 0 }
    let pages = root === undefined ? [] : [root]
    for (let level = depth; pages.length > 0; level--) {
      const next: number[] = []
      for (const page of pages) {
        const nodes = this.#nodes(page, level === 1)
        if (level === 1) onLeaf?.(this.#page.subarray(0, this.#pageSize))
        for (const tree of nodes.trees) await this.#walk(tree)
        found[level === 1 ? 'leaves' : 'branches']++
        if (level === 1) found.rows += nodes.count
        for (const { count } of nodes.values) found.values += count
        next.push(...nodes.pages)
        if (++this.#count % pagesAtOnce === 0) await new Promise(setImmediate)
      }
      // In the order of the file, which a disk likes.
      pages = next.sort((a, b) => a - b)
    }
    checkCounts(found, counts)
  }

  #nodes(page: number, leaf: boolean): Nodes {
    this.#name({ page, count: 1 }, this.#last)
    const bytes = this.#read(page * this.#pageSize, this.#pageSize)
    const nodes = nodesOf(bytes, { page, transaction: this.#transaction, leaf })
    if (!nodes) throw new Damage(`page ${page} is not what it was`)
    for (const run of nodes.values) this.#name(run, this.#last)
    return nodes
  }

  /** A list of free pages, as its leaf has it. */
  #list(leaf: Buffer, { onPage, at, bytes }: Place): Buffer {
    if (onPage === undefined) return Buffer.from(leaf.subarray(at, at + bytes))
    const list = Buffer.alloc(bytes)
    readSync(this.#file, list, 0, bytes, onPage * this.#pageSize + at)
    return list
  }

  /** LMDB may have never written them: the file may end before. */
  #nameFree(list: Buffer, last: number): void {
    const runs = freeOf(list)
    if (!runs) throw new Damage('a list of free pages is not what it was')
    for (const run of runs) this.#name(run, last)
  }

  /** A page belongs to one tree, once, or is free. */
  #name({ page, count }: Run, last: number): void {
    const end = page + count
    if (page < 2 || end - 1 > last) throw new Damage(`it names page ${end - 1}, and ends at page ${last}`)
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

function checkCounts(found: Counts, counted: Counts): void {
  for (const part of ['branches', 'leaves', 'values', 'rows'] as const)
    if (found[part] !== counted[part])
      throw new Damage(`a tree has ${found[part]} ${words[part]}, and had ${counted[part]}`)
}
