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

function bytesOf(field: Field): Uint8Array {
  if (typeof field === 'string') return utf8ToBytes(field)
  return typeof field === 'number' ? uint32(field) : field
}

const withLength = (bytes: Uint8Array): Uint8Array[] => [uint32(bytes.length), bytes]
