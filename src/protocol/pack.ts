/**
 * As much msgpack as frames need, written for them: a frame is an array of at most 15 items; an item is nil, a boolean, a
 * number, text or bytes, a map of at most 15 items by name, or a list of items. One buffer takes a whole message.
 */
export type Item =
  | string
  | number
  | boolean
  | null
  | undefined
  | Uint8Array
  | readonly Item[]
  | { readonly [name: string]: Item }

const utf8 = new TextEncoder()
/** Text up to this length is written and read by a loop, which is faster than a call into the engine. */
const shortText = 40
const isList = (item: object): item is readonly Item[] => Array.isArray(item)

export class Packer {
  #bytes = new Uint8Array(1024)
  #view = new DataView(this.#bytes.buffer)
  #at = 0

  /** The start of a frame of so many items. */
  frame(items: number): void {
    this.#room(1)
    this.#bytes[this.#at++] = 0x90 | items
  }

  item(item: Item): void {
    if (typeof item === 'string') return this.#text(item)
    if (typeof item === 'number') return this.number(item)
    if (item instanceof Uint8Array) return this.#binary(item)
    this.#room(5)
    if (item === null || item === undefined) this.#bytes[this.#at++] = 0xc0
    else if (typeof item === 'boolean') this.#bytes[this.#at++] = item ? 0xc3 : 0xc2
    else if (isList(item)) this.#list(item)
    else this.#map(item)
  }

  number(n: number): void {
    this.#room(9)
    const at = this.#at
    if (Number.isInteger(n) && n >= 0 && n <= 0xffff_ffff) {
      if (n < 0x80) this.#bytes[this.#at++] = n
      else if (n < 0x100) this.#sized(0xcc, n, 1)
      else if (n < 0x1_0000) this.#sized(0xcd, n, 2)
      else this.#sized(0xce, n, 4)
      return
    }
    this.#bytes[at] = 0xcb
    this.#view.setFloat64(at + 1, n)
    this.#at = at + 9
  }

  /** What was written, as bytes of its own; the packer is empty then. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#at)
    this.#at = 0
    return taken
  }

  /** The same, as a view that is good until the packer is used again. */
  lend(): Uint8Array {
    const lent = this.#bytes.subarray(0, this.#at)
    this.#at = 0
    return lent
  }

  #text(text: string): void {
    const { length } = text
    this.#room(length * 3 + 5)
    if (length <= shortText && this.#ascii(text)) return
    const bytes = utf8.encode(text)
    if (bytes.length < 32) this.#bytes[this.#at++] = 0xa0 | bytes.length
    else this.#size(bytes.length, 0xd9, 0xda, 0xdb)
    this.#raw(bytes)
  }

  /** Writes short text; false, and nothing is written, where it is not ASCII. */
  #ascii(text: string): boolean {
    const { length } = text
    const start = this.#at + (length < 32 ? 1 : 2)
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) return false
      this.#bytes[start + i] = code
    }
    if (length < 32) this.#bytes[this.#at] = 0xa0 | length
    else this.#sized(0xd9, length, 1)
    this.#at = start + length
    return true
  }

  #binary(bytes: Uint8Array): void {
    this.#room(bytes.length + 5)
    this.#size(bytes.length, 0xc4, 0xc5, 0xc6)
    this.#raw(bytes)
  }

  #list(list: readonly Item[]): void {
    if (list.length < 16) this.#bytes[this.#at++] = 0x90 | list.length
    else this.#sized(0xdc, list.length, 2)
    for (const item of list) this.item(item)
  }

  #map(map: { readonly [name: string]: Item }): void {
    const entries = Object.entries(map).filter(([, value]) => value !== undefined)
    this.#bytes[this.#at++] = 0x80 | entries.length
    for (const [name, value] of entries) {
      this.item(name)
      this.item(value)
    }
  }

  #size(size: number, one: number, two: number, four: number): void {
    if (size < 0x100) this.#sized(one, size, 1)
    else if (size < 0x1_0000) this.#sized(two, size, 2)
    else this.#sized(four, size, 4)
  }

  #sized(head: number, n: number, width: 1 | 2 | 4): void {
    const at = this.#at
    this.#bytes[at] = head
    if (width === 1) this.#bytes[at + 1] = n
    else if (width === 2) this.#view.setUint16(at + 1, n)
    else this.#view.setUint32(at + 1, n)
    this.#at = at + 1 + width
  }

  #raw(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + bytes))
    larger.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = larger
    this.#view = new DataView(larger.buffer)
  }
}
