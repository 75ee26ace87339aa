/** The Double Ratchet once more, as plainly as it can be: it keeps every key, and deletes none. By node:crypto, all but the agreement on X25519. */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto'
import type { Header, Message, Opening } from '../../../src/client/e2ee/message.ts'
import type { KeyPair } from '../../../src/client/e2ee/primitives.ts'
import { framed } from '../../../src/protocol/keys/bytes.ts'
import { primitives } from './devices.ts'
import { type About, type Pairing, type Part, parsePart } from './kit.ts'

type Bytes = Uint8Array
const hmac = (key: Bytes, ...data: readonly Bytes[]) => createHmac('sha256', key).update(Buffer.concat(data)).digest()
const derived = (secret: Bytes, salt: Bytes, info: string, length: number) =>
  Buffer.from(hkdfSync('sha256', secret, salt, info, length))
const uint32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer).swap32()

/** The key of a message of a chain. */
function keyAt(chain: Bytes, n: number): { key: Bytes; tag: Bytes; iv: Bytes } {
  let key = chain
  for (let at = 0; at < n; at++) key = hmac(key, Uint8Array.of(2))
  const all = derived(hmac(key, Uint8Array.of(1)), new Uint8Array(32), 'Bluetick Message Key Material', 80)
  return { key: all.subarray(0, 32), tag: all.subarray(32, 64), iv: all.subarray(64) }
}

export class Naive {
  #root: Bytes
  #mine: KeyPair
  #sending: Bytes | undefined
  #sent = 0
  #before = 0
  /** By the other's ratchet keys: where their chains began. */
  readonly #chains = new Map<string, Bytes>()
  readonly #finished = new Set<string>()
  readonly #pairing: Pairing

  private constructor(pairing: Pairing, root: Bytes) {
    this.#pairing = pairing
    this.#root = root
    this.#mine = pairing.ratchet.mine
  }

  /** Pairs of keys are chance, and are taken from the one that it is held against. */
  static async ofBeginner(pairing: Pairing, secret: Bytes, prekey: Bytes): Promise<Naive> {
    const naive = new Naive(pairing, secret)
    naive.#sending = await naive.#step(prekey)
    return naive
  }

  static ofAnswerer = (pairing: Pairing): Naive => new Naive(pairing, pairing.ratchet.root)

  get canWrite(): boolean {
    return this.#sending !== undefined
  }

  write(text: Bytes, about: About, type: Part['type']): Message {
    const header = { ratchetKey: this.#mine.public, before: this.#before, n: this.#sent++ }
    const { key, tag, iv } = keyAt(this.#sending as Bytes, header.n)
    const cipher = createCipheriv('aes-256-cbc', key, iv)
    const ciphertext = Buffer.concat([cipher.update(text), cipher.final()])
    return {
      ...header,
      sealed: Buffer.concat([ciphertext, hmac(tag, this.#ad(about, type, header, undefined), ciphertext)]),
    }
  }

  /** undefined: it cannot be read. `next`: the pair of keys that the other has made when it read this. */
  async read(part: Part, about: About, next: () => KeyPair): Promise<Bytes | undefined> {
    const parsed = parsePart(part)
    if (typeof parsed === 'string' || this.#finished.has(this.#nameOf(parsed.message))) return undefined
    const { ratchetKey, n, sealed } = parsed.message
    const name = Buffer.from(ratchetKey).toString('hex')
    const [known, root] = [this.#chains.get(name), this.#root]
    const chain = known ?? (await this.#step(ratchetKey))
    const { key, tag, iv } = keyAt(chain, n)
    const ciphertext = sealed.subarray(0, -32)
    if (
      !hmac(tag, this.#ad(about, part.type, parsed.message, parsed.opening), ciphertext).equals(sealed.subarray(-32))
    ) {
      this.#root = root
      return undefined
    }
    if (!known) {
      this.#chains.set(name, chain)
      this.#mine = next()
      ;[this.#before, this.#sent] = [this.#sent, 0]
      this.#sending = await this.#step(ratchetKey)
    }
    const cipher = createDecipheriv('aes-256-cbc', key, iv)
    return Buffer.concat([cipher.update(ciphertext), cipher.final()])
  }

  finish(part: Part): void {
    const parsed = parsePart(part)
    if (typeof parsed !== 'string') this.#finished.add(this.#nameOf(parsed.message))
  }

  #nameOf = ({ ratchetKey, n }: Message): string => `${Buffer.from(ratchetKey).toString('hex')} ${n}`

  async #step(theirs: Bytes): Promise<Bytes> {
    const shared = (await primitives.agree(this.#mine.secret, theirs)) ?? new Uint8Array(32)
    const both = derived(shared, this.#root, 'Bluetick Root Chain', 64)
    this.#root = both.subarray(0, 32)
    return both.subarray(32)
  }

  #ad({ chat, id }: About, type: Part['type'], { ratchetKey, before, n }: Header, said: Opening | undefined): Bytes {
    const { realm, initiator, responder } = this.#pairing
    const opening = said ?? this.#pairing.opening
    const people = [initiator, responder].flatMap(({ user, device, identity }) => [user, device, identity])
    const fields = [realm, 1, ...people, opening.ephemeral, opening.signed, opening.once, chat, id, type]
    return Buffer.concat([framed(['Bluetick/1/message', ...fields]), ratchetKey, uint32(before), uint32(n)])
  }
}
