/** A shelf as a store keeps it: what stays, and what is given away piece by piece. */
import { framed, uint32At, unframed } from '../../src/protocol/keys/bytes.ts'
import type { ShelfRow } from '../../src/store/contract.ts'
import type { Shelf } from './shelf.ts'

export const packed = ({ identity, signed, left, last }: Shelf): Omit<ShelfRow, 'version'> => ({
  shelf: framed([identity, signed.number, signed.key, signed.suites, signed.signature, last]),
  once: framed(left.flatMap(({ number, key }) => [number, key])),
})

/** Throws where it is not what `packed` made. */
export function unpacked({ shelf, once }: Omit<ShelfRow, 'version'>): Shelf {
  const [identity, number, key, suites, signature, last] = unframed(shelf) ?? []
  const fields = unframed(once)
  if (!identity || !number || !key || !suites || !signature || !last || !fields)
    throw new Error('what a store has of a shelf is not what was written')
  const left = Array.from({ length: fields.length / 2 }, (_, at) => ({
    number: uint32At(fields[2 * at] as Uint8Array, 0),
    key: fields[2 * at + 1] as Uint8Array,
  }))
  return { identity, signed: { number: uint32At(number, 0), key, suites, signature }, left, last: uint32At(last, 0) }
}
