/**
 * Refuses msgpack that is deep or claims more than it holds, before a decoder allocates for it: five bytes may announce an
 * array of 32 million items, for which V8 reserves 256 MB at once. A frame is an array of at most 15 items; an item is
 * nil, a boolean, a number, text or bytes, a map of at most 15 of these, or a list of them.
 */
export function checkShallow(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  while (at < bytes.length) {
    const head = view.getUint8(at)
    if (head >> 4 !== 0x9) throw new TypeError('a frame must be an array of at most 15 items')
    at += 1
    for (let left = head & 0xf; left > 0; left--) at = itemEnd(view, at)
  }
}

function itemEnd(view: DataView, at: number): number {
  const head = view.getUint8(at)
  if (head >> 4 === 0x8) return scalarsEnd(view, at + 1, (head & 0xf) * 2)
  if (head >> 4 === 0x9) return scalarsEnd(view, at + 1, head & 0xf)
  if (head === 0xdc) return scalarsEnd(view, at + 3, view.getUint16(at + 1))
  return scalarEnd(view, at)
}

function scalarsEnd(view: DataView, at: number, count: number): number {
  let end = at
  for (let left = count; left > 0; left--) end = scalarEnd(view, end)
  return end
}

function scalarEnd(view: DataView, at: number): number {
  const end = at + scalarSize(view, at)
  if (end > view.byteLength) throw new RangeError('the message ends within an item')
  return end
}

function scalarSize(view: DataView, at: number): number {
  const head = view.getUint8(at)
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
      return 2 + view.getUint8(at + 1)
    case 0xc5: // bin 16
    case 0xda: // str 16
      return 3 + view.getUint16(at + 1)
    case 0xc6: // bin 32
    case 0xdb: // str 32
      return 5 + view.getUint32(at + 1)
    default:
      throw new TypeError(`msgpack type 0x${head.toString(16)} has no place in a frame`)
  }
}
