/** Fields as bytes that can be read in one way only: what is signed or authenticated is made of them. */
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'

/** A number is four bytes, a text is UTF-8. */
export type Field = string | number | Uint8Array

/** Each field with its length before it, so that no two lists make the same bytes. */
export const framed = (fields: readonly Field[]): Uint8Array => concatBytes(...fields.map(bytesOf).flatMap(withLength))

/** The fields again; undefined: not what `framed` makes. */
export function unframed(bytes: Uint8Array): Uint8Array[] | undefined {
  const fields: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < 4) return undefined
    const end = at + 4 + uint32At(bytes, at)
    if (end > bytes.length) return undefined
    fields.push(bytes.slice(at + 4, end))
    at = end
  }
  return fields
}

/** Big-endian. */
export function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

export const uint32At = (bytes: Uint8Array, offset: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(offset)

/** A number of up to 32 bits in as few bytes as it takes: seven bits in each, the lowest first, and the highest bit where more follow. */
export const varint = (value: number): Uint8Array => Uint8Array.from(sevens(value))
const sevens = (value: number): number[] =>
  value < 128 ? [value] : [128 + (value % 128), ...sevens(Math.floor(value / 128))]

/** The number at `at`, and where it ends; undefined: there is none, or it is not written in the one way that `varint` does. */
export function varintAt(bytes: Uint8Array, at: number): readonly [value: number, end: number] | undefined {
  let value = 0
  for (let n = 0; n < 5; n++) {
    const byte = bytes[at + n] ?? 128
    value += (byte % 128) * 128 ** n
    if (byte < 128) return (byte > 0 || n === 0) && value < 2 ** 32 ? [value, at + n + 1] : undefined
  }
  return undefined
}

/** As `framed`, in fewer bytes: lengths and numbers are varints. For what is carried and kept, and signed nowhere. */
export const compact = (fields: readonly Field[]): Uint8Array =>
  concatBytes(
    ...fields
      .map((field) => (typeof field === 'number' ? varint(field) : bytesOf(field)))
      .flatMap((bytes) => [varint(bytes.length), bytes]),
  )

/** The fields again, as views; undefined: not what `compact` makes. */
export function compactIn(bytes: Uint8Array): Uint8Array[] | undefined {
  const fields: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const [length, from] = varintAt(bytes, at) ?? []
    if (length === undefined || from === undefined || from + length > bytes.length) return undefined
    fields.push(bytes.subarray(from, from + length))
    at = from + length
  }
  return fields
}

/** The number that a field of `compactIn` is; undefined: none. */
export function numberIn(field: Uint8Array | undefined): number | undefined {
  const [value, end] = (field && varintAt(field, 0)) ?? []
  return end === field?.length ? value : undefined
}

function bytesOf(field: Field): Uint8Array {
  if (typeof field === 'string') return utf8ToBytes(field)
  return typeof field === 'number' ? uint32(field) : field
}

const withLength = (bytes: Uint8Array): Uint8Array[] => [uint32(bytes.length), bytes]
