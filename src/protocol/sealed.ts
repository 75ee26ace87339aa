/**
 * Sealed bodies: bytes that begin as no other body may. What is in them devices have written for devices; a node takes them apart by device
 * (keys/parts.ts), and reads none. This file stands alone, since the base of the SDK has no more of it.
 */
import type { Body } from './ids.ts'

/** "sealed" between two bytes that no text has. */
export const sealedMark: readonly number[] = [0xff, 0x73, 0x65, 0x61, 0x6c, 0x65, 0x64, 0x01]

export const isSealed = (body: Body): body is Uint8Array =>
  typeof body !== 'string' && body.length >= sealedMark.length && sealedMark.every((byte, at) => body[at] === byte)
