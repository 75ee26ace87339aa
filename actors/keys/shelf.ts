/**
 * What one device has left for others on the server, and who gets which prekey. A prekey is given once: whoever keeps a shelf writes the
 * new one, on the condition that nobody has changed the old one meanwhile, and answers a claim after that. So a crash, an answer that
 * is lost or a second node burns a number, and none gives it twice.
 */
import type { Prekey, SignedPrekey } from '../../src/protocol/keys/prekeys.ts'
import type { Upload } from '../../src/protocol/keys/upload.ts'

/** Prekeys that are kept of a device. */
export const kept = 200
/** With fewer left a device is asked for more. */
export const low = 25

export type Shelf = {
  readonly identity: Uint8Array
  readonly signed: SignedPrekey
  /** In the order of their numbers; none of them was given. */
  readonly left: readonly Prekey[]
  /** Numbers up to this one have been left here, or will never be. */
  readonly last: number
}

/** `bad_keys`: other keys under numbers that were used, or of another device. `stale_keys`: of a device as it was before. `too_many`: claim some first. */
export type Refused = 'bad_keys' | 'stale_keys' | 'too_many'

/** With what a device has brought; the same again changes nothing. */
export function filled(shelf: Shelf | undefined, upload: Upload): Shelf | Refused {
  const { identity, signed, from } = upload
  const brought = upload.keys.map((key, index): Prekey => ({ number: upload.first + index, key }))
  if (!shelf) return { identity, signed, left: brought, last: upload.first + brought.length - 1 }
  if (!isSame(shelf.identity, identity)) return 'bad_keys'
  if (signed.number < shelf.signed.number) return 'stale_keys'
  if (signed.number === shelf.signed.number && !isSame(shelf.signed.key, signed.key)) return 'bad_keys'
  const known = new Map(shelf.left.map(({ number, key }) => [number, key]))
  if (brought.some(({ number, key }) => !isSame(known.get(number) ?? key, key))) return 'bad_keys'
  const left = [
    ...shelf.left.filter(({ number }) => number >= from),
    ...brought.filter(({ number }) => number > shelf.last),
  ]
  if (left.length > kept) return 'too_many'
  return { identity, signed, left, last: Math.max(shelf.last, from - 1, ...brought.map(({ number }) => number)) }
}

/** The next prekey; without one the signed one is what there is, and a claim never fails. */
export function claimed(shelf: Shelf): {
  readonly shelf: Shelf
  readonly once: Prekey | undefined
  readonly isLow: boolean
} {
  const [once, ...left] = shelf.left
  return { shelf: once ? { ...shelf, left } : shelf, once, isLow: left.length < low }
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, at) => byte === b[at])
