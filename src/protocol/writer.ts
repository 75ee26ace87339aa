/**
 * Writes msgpack: nil, booleans, numbers, text, bytes, lists, and maps of plain objects. A frame is written item by item, so that it
 * becomes no list of its own first: with msgpackr a frame to a device cost twice the CPU, and half a KB of garbage.
 */
const utf8 = new TextEncoder()

/** Results are pieces of slabs of this size: an allocation of its own for each takes longer than most take to be written. */
const slabBytes = 64 * 1024
/** Text up to here is written character by character: a call of the encoder takes longer. */
const shortText = 64

export class Writer {
  #bytes = new Uint8Array(slabBytes)
  #view = new DataView(this.#bytes.buffer)
  #start = 0
  #end = 0

  /** Begins anew: what was written and not taken, because of an error, is dropped. */
  begin(): void {
    this.#end = this.#start
  }

  /** What was written since the beginning; it stays as it is. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(this.#start, this.#end)
    this.#start = this.#end
    return taken
  }

  value(value: unknown): void {
    switch (typeof value) {
      case 'string':
        return this.text(value)
      case 'number':
        return this.number(value)
      case 'boolean':
        return this.#byte(value ? 0xc3 : 0xc2)
      case 'object':
        return this.#object(value)
      default:
        return this.#byte(0xc0)
    }
  }

  #object(value: object | null): void {
    if (value === null) return this.#byte(0xc0)
    if (value instanceof Uint8Array) return this.#binary(value)
    if (Array.isArray(value)) {
      this.list(value.length)
      for (const item of value) this.value(item)
      return
    }
    const entries = Object.entries(value)
    this.#head(entries.length, 16, 0x80, 0, 0xde)
    for (const [key, item] of entries) {
      this.text(key)
      this.value(item)
    }
  }

  /** The head of a list; that many items follow. */
  list(length: number): void {
    this.#head(length, 16, 0x90, 0, 0xdc)
  }

  number(value: number): void {
    const at = this.#room(9)
    if (value >>> 0 === value) {
      if (value < 0x80) this.#bytes[this.#end++] = value
      else if (value < 0x1_0000) this.#head(value, 0, 0, 0xcc, 0xcd)
      else this.uint32(value)
    } else if (value >> 0 === value) {
      this.#bytes[at] = 0xd2
      this.#view.setInt32(at + 1, value)
      this.#end += 5
    } else {
      this.#bytes[at] = 0xcb
      this.#view.setFloat64(at + 1, value)
      this.#end += 9
    }
  }

  /** A number from 0 to 2^32 - 1, in five bytes. */
  uint32(value: number): void {
    const at = this.#room(5)
    this.#bytes[at] = 0xce
    this.#view.setUint32(at + 1, value)
    this.#end += 5
  }

  text(text: string): void {
    const { length } = text
    // The head is as long as that of as many bytes; text beyond ASCII is longer than it seems.
    const at = this.#room(5 + length * 3)
    if (length <= shortText && this.#ascii(text, at + (length < 32 ? 1 : 2))) {
      this.#head(length, 32, 0xa0, 0xd9, 0xda)
      this.#end += length
      return
    }
    const { written } = utf8.encodeInto(text, this.#bytes.subarray(at + 5))
    this.#head(written, 32, 0xa0, 0xd9, 0xda)
    this.#bytes.copyWithin(this.#end, at + 5, at + 5 + written)
    this.#end += written
  }

  #ascii(text: string, at: number): boolean {
    const bytes = this.#bytes
    for (let n = 0; n < text.length; n++) {
      const unit = text.charCodeAt(n)
      if (unit > 127) return false
      bytes[at + n] = unit
    }
    return true
  }

  #binary(bytes: Uint8Array): void {
    this.#head(bytes.length, 0, 0, 0xc4, 0xc5)
    this.raw(bytes)
  }

  /** What is msgpack already. */
  raw(bytes: Uint8Array): void {
    const at = this.#room(bytes.length)
    this.#bytes.set(bytes, at)
    this.#end += bytes.length
  }

  #byte(byte: number): void {
    const at = this.#room(1)
    this.#bytes[at] = byte
    this.#end += 1
  }

  /** A number, or the length of what follows: in the first byte below `few`, else behind the byte for 8 bits if there is one, for 16, or for 32. */
  #head(length: number, few: number, first: number, by8: number, by16: number): void {
    const at = this.#room(5)
    const bytes = this.#bytes
    if (length < few) {
      bytes[at] = first | length
      this.#end += 1
    } else if (by8 > 0 && length < 0x100) {
      bytes[at] = by8
      bytes[at + 1] = length
      this.#end += 2
    } else if (length < 0x1_0000) {
      bytes[at] = by16
      bytes[at + 1] = length >> 8
      bytes[at + 2] = length
      this.#end += 3
    } else {
      bytes[at] = by16 + 1
      this.#view.setUint32(at + 1, length)
      this.#end += 5
    }
  }

  /** Makes sure of room for so many bytes; answers where they begin. */
  #room(bytes: number): number {
    if (this.#end + bytes <= this.#bytes.length) return this.#end
    const written = this.#bytes.subarray(this.#start, this.#end)
    this.#bytes = new Uint8Array(Math.max(slabBytes, (written.length + bytes) * 2))
    this.#bytes.set(written)
    this.#view = new DataView(this.#bytes.buffer)
    this.#start = 0
    this.#end = written.length
    return this.#end
  }
}
