/** Reads what pack.ts writes, and refuses the rest of msgpack: five bytes of that may claim an array of 32 million items. */
import type { Item } from './pack.ts'

/** Levels of maps and lists within a frame. */
const depth = 3
const utf8 = new TextDecoder()
/** Text up to this length is read by a loop: longer ones V8 would build as a chain of pieces. */
const shortText = 12
type Slice = (this: Uint8Array, start: number, end: number) => string
/** Where there is a Buffer it reads text in half the time of a TextDecoder (0.26 µs for a message id). */
const slice = (globalThis as { Buffer?: { prototype: { utf8Slice?: Slice } } }).Buffer?.prototype.utf8Slice

/**
 * The frames in a message, each an array of items. `lent`: bytes in them are views of the message, else copies. Throws
 * where the message is not such frames, or ends too early.
 */
export function unpackFrames(bytes: Uint8Array, lent = false): Item[][] {
  const reader = new Reader(bytes, lent)
  const frames: Item[][] = []
  while (!reader.done) frames.push(reader.frame())
  return frames
}

class Reader {
  readonly #bytes: Uint8Array
  readonly #lent: boolean
  #at = 0

  constructor(bytes: Uint8Array, lent: boolean) {
    this.#bytes = bytes
    this.#lent = lent
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length
  }

  frame(): Item[] {
    const head = this.#byte()
    if (head >> 4 !== 0x9) throw new TypeError('a frame must be an array of at most 15 items')
    const frame: Item[] = []
    for (let left = head & 0xf; left > 0; left--) frame.push(this.#item(depth))
    return frame
  }

  #item(levels: number): Item {
    const head = this.#bytes[this.#at] ?? 0
    if (head >> 4 === 0x8) return this.#map(levels - 1)
    if (head >> 4 === 0x9) return this.#list(this.#byte() & 0xf, levels - 1)
    if (head !== 0xdc) return this.#scalar()
    this.#at += 1
    return this.#list(this.#size(2), levels - 1)
  }

  #list(size: number, levels: number): Item[] {
    if (levels < 0) throw new TypeError('the frame is too deep')
    const list: Item[] = []
    for (let left = size; left > 0; left--) list.push(this.#item(levels))
    return list
  }

  #map(levels: number): Item {
    if (levels < 0) throw new TypeError('the frame is too deep')
    const map: Record<string, Item> = {}
    for (let left = this.#byte() & 0xf; left > 0; left--) {
      const name = String(this.#scalar())
      const value = this.#item(levels)
      // A plain assignment to __proto__ would change what the map is.
      Object.defineProperty(map, name, { value, enumerable: true, writable: true, configurable: true })
    }
    return map
  }

  #scalar(): Item {
    const head = this.#byte()
    if (head <= 0x7f) return head
    if (head >= 0xe0) return head - 0x100
    if (head >= 0xa0 && head <= 0xbf) return this.#text(head & 0x1f)
    switch (head) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
        return this.#binary(this.#size(1))
      case 0xc5:
        return this.#binary(this.#size(2))
      case 0xc6:
        return this.#binary(this.#size(4))
      case 0xd9:
        return this.#text(this.#size(1))
      case 0xda:
        return this.#text(this.#size(2))
      case 0xdb:
        return this.#text(this.#size(4))
      default:
        return this.#number(head)
    }
  }

  #number(head: number): number {
    switch (head) {
      case 0xcc:
        return this.#size(1)
      case 0xcd:
        return this.#size(2)
      case 0xce:
        return this.#size(4)
      case 0xd0:
        return this.#view(1).getInt8(0)
      case 0xd1:
        return this.#view(2).getInt16(0)
      case 0xd2:
        return this.#view(4).getInt32(0)
      case 0xca:
        return this.#view(4).getFloat32(0)
      case 0xcb:
        return this.#view(8).getFloat64(0)
      case 0xcf:
        return Number(this.#view(8).getBigUint64(0))
      case 0xd3:
        return Number(this.#view(8).getBigInt64(0))
      default:
        throw new TypeError(`msgpack type 0x${head.toString(16)} has no place in a frame`)
    }
  }

  #view(width: number): DataView {
    const start = this.#skip(width)
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + start, width)
  }

  #size(width: 1 | 2 | 4): number {
    let size = 0
    for (let left = width; left > 0; left--) size = size * 256 + this.#byte()
    return size
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw new RangeError('the message ends within an item')
    return byte
  }

  #text(size: number): string {
    const start = this.#skip(size)
    if (size > shortText) return this.#decode(start)
    let text = ''
    for (let at = start; at < this.#at; at++) {
      const code = this.#bytes[at] as number
      if (code > 0x7f) return this.#decode(start)
      text += String.fromCharCode(code)
    }
    return text
  }

  #decode(start: number): string {
    return slice ? slice.call(this.#bytes, start, this.#at) : utf8.decode(this.#bytes.subarray(start, this.#at))
  }

  #binary(size: number): Uint8Array {
    const start = this.#skip(size)
    const { buffer, byteOffset } = this.#bytes
    const view = new Uint8Array(buffer, byteOffset + start, size)
    return this.#lent ? view : view.slice()
  }

  #skip(size: number): number {
    const start = this.#at
    if (start + size > this.#bytes.length) throw new RangeError('the message ends within an item')
    this.#at = start + size
    return start
  }
}
