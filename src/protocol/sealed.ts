/**
 * Sealed bodies: bytes that begin as no other body may. What is in them devices have written for devices; a node takes them apart by device
 * (keys/parts.ts), and reads none. This file stands alone, since the base of the SDK has no more of it.
 */
import type { Body } from './ids.ts'

/** "sealed" after a byte that no text has. Then comes one of `sealedKinds`. */
export const sealedMark: readonly number[] = [0xff, 0x73, 0x65, 0x61, 0x6c, 0x65, 0x64]
/**
 * What a person writes; what devices have to say to each other; a change of a group, which begins with its value as the node reads it: four
 * bytes of length, and the text.
 */
export const sealedKinds = { message: 1, quiet: 2, change: 3 } as const

/** How the ids of sealed groups begin: so nobody takes one for a group whose messages are not sealed. */
export const sealedGroup = '#sealed-'

const kindAt = 7
const valueAt = 12
const has = (body: Body, least: number, most: number): body is Uint8Array => {
  if (typeof body === 'string') return false
  const kind = body[kindAt] ?? 0
  return kind >= least && kind <= most && sealedMark.every((byte, at) => body[at] === byte)
}

export const isSealedGroup = (chat: string): boolean => chat.startsWith(sealedGroup)

export const isSealed = (body: Body): body is Uint8Array => has(body, sealedKinds.message, sealedKinds.change)

/** Nobody is to be woken for it, or to count it: it goes from device to device, and no person sees it. */
export const isQuiet = (body: Body): boolean => has(body, sealedKinds.quiet, sealedKinds.quiet)
export const isSealedChange = (body: Body): body is Uint8Array => has(body, sealedKinds.change, sealedKinds.change)

/** The body that it would have if it were not sealed: of a change, the value. */
export function valueIn(body: Body): Body {
  if (!isSealedChange(body)) return body
  return new TextDecoder().decode(body.subarray(valueAt, valueEnd(body)))
}

/** A change with another value, for those whom it was sealed for. */
export function withValue(body: Body, value: string): Body {
  if (!isSealedChange(body)) return value
  const [text, rest] = [new TextEncoder().encode(value), body.subarray(valueEnd(body))]
  const bytes = new Uint8Array(valueAt + text.length + rest.length)
  bytes.set(body.subarray(0, kindAt + 1))
  new DataView(bytes.buffer).setUint32(kindAt + 1, text.length)
  bytes.set(text, valueAt)
  bytes.set(rest, valueAt + text.length)
  return bytes
}

/** Where what is sealed begins, in a change. */
export const valueEnd = (body: Uint8Array): number =>
  valueAt + (body.length < valueAt ? 0 : new DataView(body.buffer, body.byteOffset + kindAt + 1).getUint32(0))

/** The last item of a frame within the SDK: its message was sealed. No bytes that a server sends are this. */
export const sealedItem: unique symbol = Symbol.for('bluetick sealed')

export const wasSealed = (frame: readonly unknown[]): boolean => frame.at(-1) === sealedItem
