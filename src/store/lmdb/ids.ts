/** Message ids as bytes: a UUID has 16, and takes 38 as text. Each message is there four times: as entry and copy, and in what marks their repeats. */
import type { MessageId } from '../../protocol/ids.ts'

const digits = Buffer.from('0123456789abcdef')
const notOne = 255
/** What each character is as a digit. */
const values = new Uint8Array(128).fill(notOne)
for (const [value, code] of digits.entries()) values[code] = value

/** One string of 36 characters is made of it: one of pieces would take five times the memory. */
const text = Buffer.from('........-....-....-....-............')
const dash = '-'.charCodeAt(0)
const dashes = [...text.keys()].filter((at) => text[at] === dash)
/** Where the two digits of each byte begin. */
const places = [...text.keys()].filter((at) => text[at] !== dash).filter((_, n) => n % 2 === 0)

/** Of what is no UUID in lower case, the text itself. Each message is packed twice, so this takes no string apart: that took six times as long. */
export function packedId(id: MessageId): Buffer | MessageId {
  if (id.length !== text.length || dashes.some((at) => id.charCodeAt(at) !== dash)) return id
  const bytes = Buffer.allocUnsafe(places.length)
  let highest = 0
  for (let n = 0; n < places.length; n++) {
    const at = places[n] as number
    const [high, low] = [valueAt(id, at), valueAt(id, at + 1)]
    highest |= high | low
    bytes[n] = (high << 4) | low
  }
  return highest < digits.length ? bytes : id
}

const valueAt = (id: MessageId, at: number): number => values[id.charCodeAt(at)] ?? notOne

/** Rows of version 7 have text. */
export function idFrom(packed: Uint8Array | MessageId): MessageId {
  if (typeof packed === 'string') return packed
  for (let n = 0; n < places.length; n++) {
    const [at, byte] = [places[n] as number, packed[n] as number]
    text[at] = digits[byte >> 4] as number
    text[at + 1] = digits[byte & 15] as number
  }
  return text.toString('latin1') as MessageId
}
