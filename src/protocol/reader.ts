/**
 * Reads the msgpack of frames, and refuses what has no place in one before anything is allocated for it: five bytes may announce
 * an array of 32 million items. A frame is an array of at most 15 items; an item is nil, a boolean, a number, text or bytes, a
 * map of at most 15 items, or a list of items, `depth` levels deep.
 */
import { textOf } from './text.ts'

const depth = 3

export class Reader {
  readonly #bytes: Uint8Array
  readonly #lent: boolean
  #at = 0

  /** `lent`: bytes within it may be views of `bytes`. */
  constructor(bytes: Uint8Array, lent: boolean) {
    this.#bytes = bytes
    this.#lent = lent
  }

  /** The next frame; undefined at the end. Throws where there is none. */
  frame(): unknown[] | undefined {
    if (this.#at === this.#bytes.length) return undefined
    const head = this.#uint(1)
    if (head >> 4 !== 0x9) throw new TypeError('a frame must be an array of at most 15 items')
    return this.#list(head & 0xf, depth)
  }

  #list(length: number, levels: number): unknown[] {
    if (levels < 0) throw new TypeError('the frame is too deep')
    const items: unknown[] = []
    for (let left = length; left > 0; left--) items.push(this.#item(levels))
    return items
  }

  #map(length: number, levels: number): object {
    if (levels < 0) throw new TypeError('the frame is too deep')
    const entries: [string, unknown][] = []
    for (let left = length; left > 0; left--) entries.push([String(this.#item(levels)), this.#item(levels)])
    return Object.fromEntries(entries)
  }

  #item(levels: number): unknown {
    const head = this.#uint(1)
    if (head < 0x80) return head
    if (head >= 0xe0) return head - 0x100
    if (head >= 0xa0 && head < 0xc0) return this.#text(head & 0x1f)
    if (head < 0x90) return this.#map(head & 0xf, levels - 1)
    if (head < 0xa0) return this.#list(head & 0xf, levels - 1)
    switch (head) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
        return this.#binary(this.#uint(1))
      case 0xc5:
        return this.#binary(this.#uint(2))
      case 0xc6:
        return this.#binary(this.#uint(4))
      case 0xd9:
        return this.#text(this.#uint(1))
      case 0xda:
        return this.#text(this.#uint(2))
      case 0xdb:
        return this.#text(this.#uint(4))
      case 0xdc:
        return this.#list(this.#uint(2), levels - 1)
      default:
        return this.#number(head)
    }
  }

  #number(head: number): number {
    switch (head) {
      case 0xcc:
        return this.#uint(1)
      case 0xcd:
        return this.#uint(2)
      case 0xce:
        return this.#uint(4)
      case 0xcf:
        return this.#uint(4) * 2 ** 32 + this.#uint(4)
      case 0xd0:
        return (this.#uint(1) << 24) >> 24
      case 0xd1:
        return (this.#uint(2) << 16) >> 16
      case 0xd2:
        return this.#uint(4) | 0
      case 0xd3:
        return (this.#uint(4) | 0) * 2 ** 32 + this.#uint(4)
      case 0xca:
        return this.#view(4).getFloat32(0)
      case 0xcb:
        return this.#view(8).getFloat64(0)
      default:
        throw new TypeError(`msgpack type 0x${head.toString(16)} has no place in a frame`)
    }
  }

  #uint(width: number): number {
    let at = this.#skip(width)
    let value = 0
    for (; at < this.#at; at++) value = value * 256 + (this.#bytes[at] as number)
    return value
  }

  #view(width: number): DataView {
    const at = this.#skip(width)
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, width)
  }

  #text(length: number): string {
    const at = this.#skip(length)
    return textOf(this.#bytes, at, this.#at)
  }

  #binary(length: number): Uint8Array {
    const at = this.#skip(length)
    return this.#lent ? this.#bytes.subarray(at, this.#at) : this.#bytes.slice(at, this.#at)
  }

  /** Goes on by so many bytes; answers where they begin. */
  #skip(length: number): number {
    const at = this.#at
    if (at + length > this.#bytes.length) throw new RangeError('the message ends within an item')
    this.#at = at + length
    return at
  }
}
