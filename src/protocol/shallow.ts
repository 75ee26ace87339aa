/**
 * Refuses msgpack that is deep or claims more than it holds, before a decoder allocates for it: five bytes may announce an
 * array of 32 million items, for which V8 reserves 256 MB at once. A frame is an array of at most 15 items; an item is
 * nil, a boolean, a number, text or bytes, a map of at most 15 items, or a list of items, `depth` levels deep. Text must be
 * UTF-8: a decoder makes something of the rest, so that two texts on the wire are one.
 */
const depth = 3

export function checkShallow(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    const head = byte(bytes, at)
    if (head >> 4 !== 0x9) throw new TypeError('a frame must be an array of at most 15 items')
    at = itemsEnd(bytes, at + 1, head & 0xf, depth)
  }
}

function itemsEnd(bytes: Uint8Array, at: number, count: number, levels: number): number {
  if (levels < 0) throw new TypeError('the frame is too deep')
  let end = at
  for (let left = count; left > 0; left--) end = itemEnd(bytes, end, levels)
  return end
}

function itemEnd(bytes: Uint8Array, at: number, levels: number): number {
  const head = byte(bytes, at)
  if (head >> 4 === 0x8) return itemsEnd(bytes, at + 1, (head & 0xf) * 2, levels - 1)
  if (head >> 4 === 0x9) return itemsEnd(bytes, at + 1, head & 0xf, levels - 1)
  if (head === 0xdc) return itemsEnd(bytes, at + 3, size(bytes, at + 1, 2), levels - 1)
  const end = at + scalarSize(bytes, at, head)
  if (end > bytes.length) throw new RangeError('the message ends within an item')
  if (head >= 0xa0 && head <= 0xbf) checkText(bytes, at + 1, end)
  else if (head >= 0xd9 && head <= 0xdb) checkText(bytes, at + 1 + 2 ** (head - 0xd9), end)
  return end
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
/** Node's own takes 0.07 µs for 200 bytes; a decoder, which makes a string as well, 0.1 to 1. */
const isUtf8 =
  globalThis.process?.getBuiltinModule?.('node:buffer').isUtf8 ?? ((text) => utf8.decode(text) !== undefined)
/** Bytes of text that are looked at here: of short ones, as ids are, a call costs more. */
const shortBytes = 64

function checkText(bytes: Uint8Array, start: number, end: number): void {
  const short = Math.min(end, start + shortBytes)
  let at = start
  while (at < short && (bytes[at] as number) < 0x80) at++
  if (at < end && !isUtf8(bytes.subarray(at, end))) throw new TypeError('text must be UTF-8')
}

function scalarSize(bytes: Uint8Array, at: number, head: number): number {
  if (head <= 0x7f || head >= 0xe0) return 1 // fixint
  if (head >= 0xa0 && head <= 0xbf) return 1 + (head & 0x1f) // fixstr
  switch (head) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return 1
    case 0xcc: // uint 8
    case 0xd0: // int 8
      return 2
    case 0xcd: // uint 16
    case 0xd1: // int 16
      return 3
    case 0xca: // float 32
    case 0xce: // uint 32
    case 0xd2: // int 32
      return 5
    case 0xcb: // float 64
    case 0xcf: // uint 64
    case 0xd3: // int 64
      return 9
    case 0xc4: // bin 8
    case 0xd9: // str 8
      return 2 + size(bytes, at + 1, 1)
    case 0xc5: // bin 16
    case 0xda: // str 16
      return 3 + size(bytes, at + 1, 2)
    case 0xc6: // bin 32
    case 0xdb: // str 32
      return 5 + size(bytes, at + 1, 4)
    default:
      throw new TypeError(`msgpack type 0x${head.toString(16)} has no place in a frame`)
  }
}

function size(bytes: Uint8Array, at: number, width: number): number {
  let size = 0
  for (let i = 0; i < width; i++) size = size * 256 + byte(bytes, at + i)
  return size
}

function byte(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]
  if (byte === undefined) throw new RangeError('the message ends within an item')
  return byte
}
