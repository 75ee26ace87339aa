/**
 * A table of which each value has a checksum, of its key too: what a disk has altered is neither believed nor delivered. It costs
 * 4 bytes, and about 2 us for a row of a page.
 */
import { crc32 } from 'node:zlib'
import type { Database, RangeOptions, RootDatabase } from 'lmdb'
import { Packr } from 'msgpackr'
import { StoreError } from '../error.ts'

export type Key = string | number | (string | number)[]
/** How values become bytes. */
type Coding<Value> = { pack(value: Value): Uint8Array; unpack(bytes: Uint8Array): Value }
export type Row<Value, K> = { readonly key: K; readonly value: Value }

/** A class, since a getter in an object of its own costs as much as to unpack a row. */
class Sealed<Value, K> implements Row<Value, K> {
  readonly key: K
  readonly #sealed: Buffer
  readonly #open: (key: K, sealed: Buffer) => Value

  constructor(key: K, sealed: Buffer, open: (key: K, sealed: Buffer) => Value) {
    this.key = key
    this.#sealed = sealed
    this.#open = open
  }

  get value(): Value {
    return this.#open(this.key, this.#sealed)
  }
}

const sumBytes = 4
export const packed = new Packr({ useRecords: false, variableMapSize: true, int64AsType: 'number' })
export const bytes: Coding<Uint8Array> = { pack: (value) => value, unpack: (value) => value }

/** Told of what is damaged, once each; but not of more than this. */
const mostTold = 1_000

export class Damages {
  readonly #folder: string
  readonly #told: (error: StoreError) => void
  readonly #known = new Set<string>()

  constructor(folder: string, told: (error: StoreError) => void) {
    this.#folder = folder
    this.#told = told
  }

  /** The error for a row that is damaged. */
  of(table: string, key: Key): StoreError {
    const row = `${table} ${JSON.stringify(key)}`
    const text = `The data in ${this.#folder} are damaged: ${row} is not what was written. Whoever it belongs to is not served; docs/operations.md says what to do.`
    const error = new StoreError('corrupt', text)
    if (!this.#known.has(row) && this.#known.size < mostTold) this.#told(error)
    this.#known.add(row)
    return error
  }
}

export class Table<Value, K extends Key> {
  readonly #database: Database<Buffer, K>
  readonly #name: string
  readonly #coding: Coding<Value>
  readonly #damages: Damages

  constructor(root: RootDatabase, name: string, damages: Damages, coding: Coding<Value>) {
    this.#database = root.openDB<Buffer, K>({ name, encoding: 'binary' })
    this.#name = name
    this.#coding = coding
    this.#damages = damages
  }

  /** Throws a StoreError where the value is damaged; so does everything that answers values. */
  get(key: K): Value | undefined {
    const value = this.#database.get(key)
    return value && this.#open(key, value)
  }

  put(key: K, value: Value): Promise<boolean> {
    const packed = this.#coding.pack(value)
    const sealed = Buffer.allocUnsafe(packed.length + sumBytes)
    sealed.set(packed)
    sealed.writeUInt32LE(sumOf(key, packed), packed.length)
    return this.#database.put(key, sealed)
  }

  remove(key: K): Promise<boolean> {
    return this.#database.remove(key)
  }

  doesExist(key: K): boolean {
    return this.#database.doesExist(key)
  }

  getKeys(range: RangeOptions = {}): Iterable<K> {
    return this.#database.getKeys(range) as Iterable<K>
  }

  /** A value is looked at when it is asked for. */
  *getRange(range: RangeOptions): Generator<Row<Value, K>> {
    const open = (key: K, sealed: Buffer) => this.#open(key, sealed)
    for (const { key, value } of this.#database.getRange(range)) yield new Sealed(key, value, open)
  }

  getStats(): object {
    return this.#database.getStats()
  }

  /** The error for what should be at a key, or behind it. */
  damaged(key: K): StoreError {
    return this.#damages.of(this.#name, key)
  }

  #open(key: K, sealed: Buffer): Value {
    const end = sealed.length - sumBytes
    const value = sealed.subarray(0, Math.max(end, 0))
    if (end < 0 || sealed.readUInt32LE(end) !== sumOf(key, value)) throw this.damaged(key)
    return this.#coding.unpack(value)
  }
}

const sumOf = (key: Key, value: Uint8Array): number => crc32(value, crc32(String(key)))

/** Answers undefined in place of what is damaged: of that whoever runs the node is told. */
export function unlessDamaged<Result>(look: () => Result): Result | undefined {
  try {
    return look()
  } catch (error) {
    if (error instanceof StoreError && error.code === 'corrupt') return undefined
    throw error
  }
}
