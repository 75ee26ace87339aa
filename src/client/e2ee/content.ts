/** Content on its way: sealed as it goes, and opened as it comes. Of it some chunks are in memory at a time, besides what the program has itself. */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { MediaError } from '../errors.ts'
import type { Source } from '../media.ts'
import { Layout, openChunk, sealChunk, tagIn } from './chunks.ts'

/** It is not what was sealed, or what was to be. */
const wrong = (): MediaError => new MediaError('wrong_hash', 0)

/**
 * What is uploaded in the place of content. It is sealed twice, once for its hash; what the program has changed between is found by its tags, and does
 * not leave: a key is for one text.
 */
export class SealedContent implements Source {
  readonly type = ''
  readonly #content: Blob
  readonly #key: Uint8Array
  readonly #layout: Layout
  readonly #tags: Uint8Array[] = []

  private constructor(content: Blob, key: Uint8Array) {
    this.#content = content
    this.#key = key
    this.#layout = new Layout(content.size)
  }

  /** With the SHA-256 of all of it. */
  static async of(content: Blob, key: Uint8Array, signal?: AbortSignal) {
    const source = new SealedContent(content, key)
    const hash = sha256.create()
    for (let index = 0; index < source.#layout.count; index++) {
      signal?.throwIfAborted()
      const sealed = await source.#seal(index)
      hash.update(sealed)
      source.#tags.push(tagIn(sealed))
    }
    return { source, id: bytesToHex(hash.digest()) }
  }

  get size(): number {
    return this.#layout.sealed
  }

  async slice(first: number, end: number): Promise<Blob> {
    const parts: Uint8Array<ArrayBuffer>[] = []
    const { at, sealedStart } = this.#layout
    for (let index = at(first); first < end && index <= at(end - 1); index++) {
      const sealed = await this.#seal(index)
      if (String(tagIn(sealed)) !== String(this.#tags[index])) throw wrong()
      const start = sealedStart(index)
      parts.push(sealed.subarray(Math.max(0, first - start), Math.min(sealed.length, end - start)))
    }
    return new Blob(parts)
  }

  async #seal(index: number): Promise<Uint8Array<ArrayBuffer>> {
    const { count } = this.#layout
    const start = this.#layout.start(index)
    const text = new Uint8Array(this.#layout.length(index))
    text.set(new Uint8Array(await this.#content.slice(start, start + text.length).arrayBuffer()))
    return sealChunk(this.#key, { index, isLast: index === count - 1 }, text)
  }
}

type Known = { readonly id: string; readonly key: Uint8Array; readonly size: number }

/** What is downloaded, opened chunk by chunk. */
export class OpenedContent {
  readonly #known: Known
  readonly #layout: Layout
  readonly #hash = sha256.create()
  readonly #parts: Blob[] = []
  #held: Uint8Array
  #length = 0
  /** The first bytes, by which it is known what it is. */
  head = new Uint8Array(0)

  constructor(known: Known) {
    this.#known = known
    this.#layout = new Layout(known.size)
    this.#held = new Uint8Array(this.#layout.sealedLength(0))
  }

  /** Takes what comes next. Rejects with the first chunk that is not the one that was sealed, and with the first byte that is too many. */
  async take(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes)
    for (let at = 0; at < bytes.length; ) {
      const some = bytes.subarray(at, at + this.#held.length - this.#length)
      if (some.length === 0) throw wrong()
      this.#held.set(some, this.#length)
      this.#length += some.length
      at += some.length
      if (this.#length === this.#held.length) await this.#open()
    }
  }

  async #open(): Promise<void> {
    const { count } = this.#layout
    const index = this.#parts.length
    const text = await openChunk(this.#known.key, { index, isLast: index === count - 1 }, this.#held)
    if (text?.length !== this.#layout.length(index)) throw wrong()
    const content = new Uint8Array(text.subarray(0, Math.max(0, this.#known.size - this.#layout.start(index))))
    if (index === 0) this.head = content
    this.#parts.push(new Blob([content]))
    this.#held = new Uint8Array(index + 1 < count ? this.#layout.sealedLength(index + 1) : 0)
    this.#length = 0
  }

  /** All of it: where another member of a group has made other chunks with the same key, the hash is another. */
  blob(type: string): Blob {
    const { id } = this.#known
    if (this.#parts.length < this.#layout.count || bytesToHex(this.#hash.digest()) !== id) throw wrong()
    return new Blob(this.#parts, { type })
  }
}
