/**
 * The bytes of a journal file: a page that says which file this is, and records, each on pages of its own. A record begins with the salt
 * of this life of the file, which is random and known to nobody, so neither bytes of an earlier life nor a body that looks like a record
 * is taken for one. Its checksum covers salt and number, too.
 */
import { crc32 } from 'node:zlib'
import { aligned } from './out.ts'

/** A disk writes at most so much at a time as one: what is in another page stays as it is while a record is written. */
export const pageBytes = 4_096
const magic = Buffer.from('bluetick')
const saltBytes = 8
const headSumAt = 40
const [numberAt, commitsAt, lengthAt, sumAt, payloadAt] = [8, 16, 24, 28, 32]

/** `store`: which one the file belongs to. `number`: of the file. `size`: bytes that were written before it was used. */
export type Head = { readonly store: number; readonly number: number; readonly size: number; readonly salt: Buffer }

export function packHead({ store, number, size, salt }: Head): Buffer {
  const page = aligned(pageBytes)
  page.set(magic)
  page.writeDoubleLE(store, 8)
  page.writeDoubleLE(number, 16)
  page.writeDoubleLE(size, 24)
  page.set(salt, 32)
  page.writeUInt32LE(crc32(page.subarray(0, headSumAt)), headSumAt)
  return page
}

/** Undefined: it is none, or damaged. */
export function headOf(file: Buffer): Head | undefined {
  if (file.length < pageBytes || !file.subarray(0, magic.length).equals(magic)) return undefined
  if (file.readUInt32LE(headSumAt) !== crc32(file.subarray(0, headSumAt))) return undefined
  const [store, number, size] = [8, 16, 24].map((at) => file.readDoubleLE(at)) as [number, number, number]
  return { store, number, size, salt: Buffer.from(file.subarray(32, 32 + saltBytes)) }
}

/** `commits`: transactions of LMDB that were durable when it was written. */
export type JournalRecord = { readonly number: number; readonly commits: number; readonly payload: Uint8Array }

/** Bytes of a record with so much in it. */
export const recordBytes = (payload: number): number => Math.ceil((payloadAt + payload) / pageBytes) * pageBytes

/** What a record begins with, and what of that its checksum covers. */
const head = Buffer.alloc(payloadAt)
const summed = head.subarray(0, sumAt)
const numbers = new DataView(head.buffer, head.byteOffset, head.length)

/** Writes a record, and zeros behind it, into a buffer of `recordBytes`. Makes no view of that (`Sheet`). */
export function packRecord(into: Buffer, salt: Buffer, { number, commits, payload }: JournalRecord): void {
  head.set(salt)
  numbers.setFloat64(numberAt, number, true)
  numbers.setFloat64(commitsAt, commits, true)
  numbers.setUint32(lengthAt, payload.length, true)
  numbers.setUint32(sumAt, crc32(payload, crc32(summed)), true)
  into.set(head)
  into.set(payload, payloadAt)
  into.fill(0, payloadAt + payload.length)
}

/** The record at `at`; undefined: none, or not all of it. */
export function recordOf(file: Buffer, at: number, salt: Buffer): JournalRecord | undefined {
  if (!isMarked(file, at, salt)) return undefined
  const end = at + payloadAt + file.readUInt32LE(at + lengthAt)
  if (end > file.length) return undefined
  const payload = file.subarray(at + payloadAt, end)
  const sum = crc32(payload, crc32(file.subarray(at, at + sumAt)))
  if (file.readUInt32LE(at + sumAt) !== sum) return undefined
  return { number: file.readDoubleLE(at + numberAt), commits: file.readDoubleLE(at + commitsAt), payload }
}

/** Whether a record of this life of the file, whole or not, begins at `at`, with a number above `above`. */
export const isRecordAbove = (file: Buffer, at: number, salt: Buffer, above: number): boolean =>
  isMarked(file, at, salt) && file.readDoubleLE(at + numberAt) > above

const isMarked = (file: Buffer, at: number, salt: Buffer): boolean =>
  at + payloadAt <= file.length && file.subarray(at, at + saltBytes).equals(salt)
