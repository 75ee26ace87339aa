/** A frame that grows while it waits to leave: `[kind, head, item, item, …]`. What its items have in common goes once. */
import { batchBytes, packed } from './batch.ts'

/** What items have in common: `head` is packed once for a `key`, which is compared by identity. */
export type Common = { readonly kind: number; readonly key: object; head(): unknown }

/** An array of 16 bits of length: the mark, and the length. */
const lengthBytes = 3
const arrayMark = 0xdc

export class Joined {
  readonly #key: object
  readonly #parts: Uint8Array[]
  /** Bytes that it has as a frame. */
  length: number

  constructor({ kind, key, head }: Common) {
    this.#key = key
    this.#parts = [packed(kind), packed(head())]
    this.length = this.#parts.reduce((sum, { length }) => sum + length, lengthBytes)
  }

  /** Whether an item of so many bytes goes with those that it has. */
  takes(key: object, bytes: number): boolean {
    return this.#key === key && this.length + bytes <= batchBytes
  }

  add(item: Uint8Array): void {
    this.#parts.push(item)
    this.length += item.length
  }

  whole(): Uint8Array {
    const count = this.#parts.length
    return Buffer.concat([Uint8Array.of(arrayMark, count >> 8, count & 0xff), ...this.#parts])
  }
}
