let last = 0
let counter = 0

/** A UUIDv7 (RFC 9562): sorts by time, and within a millisecond by the order of the calls. */
export function uuidv7(now = Date.now()): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  if (now > last) [last, counter] = [now, 0]
  else counter += 1
  if (counter > 0xfff) [last, counter] = [last + 1, 0]
  const view = new DataView(bytes.buffer)
  view.setUint16(0, Math.floor(last / 2 ** 32))
  view.setUint32(2, last % 2 ** 32)
  view.setUint16(6, 0x7000 | counter)
  view.setUint8(8, (view.getUint8(8) & 0x3f) | 0x80)
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
