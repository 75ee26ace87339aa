/**
 * Content as a node keeps it that is not to read it. It is sealed in chunks, each as a message is, under a key that says where it stands and whether
 * it is the last: what was moved, cut off, added or taken from elsewhere is of another key. A range of the content is in the chunks that it begins
 * and ends in. Behind the content come zeros, so that its size tells little.
 */
import { equalBytes } from '@noble/ciphers/utils.js'
import { concatBytes } from '@noble/hashes/utils.js'
import { framed } from '../../protocol/keys/bytes.ts'
import { cbcDecrypt, cbcEncrypt, hmac, materialOf } from './symmetric.ts'

/** Of this form. */
export const format = 1
const chunkBytes = 64 * 1024
const [block, tagBytes] = [16, 32]
/** What is smaller is as large as this. */
const least = 1_024

/** With zeros: at most an eighth more, and less the larger it is (Padmé, of PURBs: Nikitin and others, 2019). */
function paddedSize(size: number): number {
  const full = Math.max(size, least)
  const exponent = Math.floor(Math.log2(full))
  const step = 2 ** (exponent - Math.floor(Math.log2(exponent)) - 1)
  return Math.ceil(full / step) * step
}

/** Bytes that so many are when they are sealed: whole blocks, of which the last is never full, and a tag. */
const sealedLength = (length: number): number => (Math.floor(length / block) + 1) * block + tagBytes
const sealedChunk = sealedLength(chunkBytes)

/** Where the chunks of content of this size begin and end, sealed and not. */
export class Layout {
  readonly #padded: number
  readonly count: number
  /** Of all chunks, sealed. */
  readonly sealed: number

  constructor(size: number) {
    this.#padded = paddedSize(size)
    this.count = Math.ceil(this.#padded / chunkBytes)
    this.sealed = (this.count - 1) * sealedChunk + this.sealedLength(this.count - 1)
  }

  /** The bytes of a chunk, with zeros where the content has ended. */
  length(index: number): number {
    return Math.min(chunkBytes, this.#padded - index * chunkBytes)
  }

  sealedLength(index: number): number {
    return sealedLength(this.length(index))
  }

  /** Where a chunk begins in the content, and where it does sealed. */
  start = (index: number): number => index * chunkBytes
  sealedStart = (index: number): number => index * sealedChunk

  /** The chunk that this byte, sealed, is in. */
  at = (offset: number): number => Math.floor(offset / sealedChunk)
}

/** Where a chunk stands. */
export type Stand = { readonly index: number; readonly isLast: boolean }

const statementOf = ({ index, isLast }: Stand): Uint8Array =>
  framed(['Bluetick/1/media', format, index, isLast ? 1 : 0])

/** Of one chunk: the keys of the cipher and of the tag, the initial vector, and what the tag covers besides. */
function keysOf(key: Uint8Array, stand: Stand) {
  const statement = statementOf(stand)
  const material = materialOf(hmac(key, statement))
  return { key: material.subarray(0, 32), tag: material.subarray(32, 64), iv: material.subarray(64), statement }
}

export async function sealChunk(key: Uint8Array, stand: Stand, text: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const keys = keysOf(key, stand)
  const ciphertext = await encrypted(keys, text)
  return new Uint8Array(concatBytes(ciphertext, await tagOf(keys, ciphertext)))
}

/**
 * undefined: it is not that chunk of what was sealed under this key. Nothing is decrypted before that is known. Who has the key can tag what is no
 * text of theirs: that is none, either.
 */
export async function openChunk(key: Uint8Array, stand: Stand, sealed: Uint8Array): Promise<Uint8Array | undefined> {
  const keys = keysOf(key, stand)
  const ciphertext = sealed.subarray(0, -tagBytes)
  if (!equalBytes(await tagOf(keys, ciphertext), tagIn(sealed))) return undefined
  return decrypted(keys, ciphertext)
}

export const tagIn = (sealed: Uint8Array): Uint8Array => sealed.slice(-tagBytes)

type Keys = ReturnType<typeof keysOf>
/** A page that came over plain HTTP from another machine has none; there it takes about ten times as long. */
const subtle = (): SubtleCrypto | undefined => crypto.subtle

async function encrypted({ key, iv }: Keys, text: Uint8Array): Promise<Uint8Array> {
  const platform = subtle()
  if (!platform) return cbcEncrypt(key, iv, text)
  const whole = await platform.importKey('raw', key as BufferSource, 'AES-CBC', false, ['encrypt'])
  const way = { name: 'AES-CBC', iv: iv as BufferSource }
  return new Uint8Array(await platform.encrypt(way, whole, text as BufferSource))
}

/** undefined: wrong padding. */
async function decrypted({ key, iv }: Keys, ciphertext: Uint8Array): Promise<Uint8Array | undefined> {
  const platform = subtle()
  if (!platform) return cbcDecrypt(key, iv, ciphertext)
  const whole = await platform.importKey('raw', key as BufferSource, 'AES-CBC', false, ['decrypt'])
  const way = { name: 'AES-CBC', iv: iv as BufferSource }
  return platform.decrypt(way, whole, ciphertext as BufferSource).then(
    (text) => new Uint8Array(text),
    () => undefined,
  )
}

async function tagOf({ tag, statement }: Keys, ciphertext: Uint8Array): Promise<Uint8Array> {
  const platform = subtle()
  const bytes = concatBytes(statement, ciphertext)
  if (!platform) return hmac(tag, bytes)
  const key = await platform.importKey('raw', tag as BufferSource, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return new Uint8Array(await platform.sign('HMAC', key, bytes as BufferSource))
}
