/**
 * Sealed bodies: bytes that begin as no other body may. What is in them devices have written for devices; a node takes them apart by device
 * (keys/parts.ts), and reads none. This file stands alone, since the base of the SDK has no more of it.
 */
import type { Body } from './ids.ts'

/** "sealed" after a byte that no text has. Then comes 1, or 2 for what devices have to say to each other. */
export const sealedMark: readonly number[] = [0xff, 0x73, 0x65, 0x61, 0x6c, 0x65, 0x64]

export const isSealed = (body: Body): body is Uint8Array =>
  typeof body !== 'string' &&
  sealedMark.every((byte, at) => body[at] === byte) &&
  (body[sealedMark.length] === 1 || body[sealedMark.length] === 2)

/** The last item of a frame within the SDK: its message was sealed. No bytes that a server sends are this. */
export const sealedItem: unique symbol = Symbol.for('bluetick sealed')

export const wasSealed = (frame: readonly unknown[]): boolean => frame.at(-1) === sealedItem

/** Nobody is to be woken for it, or to count it: it goes from device to device, and no person sees it. */
export const isQuiet = (body: Body): boolean => isSealed(body) && body[sealedMark.length] === 2
