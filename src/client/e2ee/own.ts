/** This device: its identity, what it leaves for others, and its place in the chain of its user. */
import { bytesToHex } from '@noble/hashes/utils.js'
import type { Millis } from '../../protocol/ids.ts'
import type { Chain } from '../../protocol/keys/chain.ts'
import {
  type Addition,
  newAddition,
  parseLink,
  provedBytes,
  signedLink,
  type Unsigned,
} from '../../protocol/keys/link.ts'
import { type Owner, prekeyStatement, type SignedPrekey, suite } from '../../protocol/keys/prekeys.ts'
import { sign } from '../../protocol/keys/signing.ts'
import { uploadBytes, uploadedAtOnce } from '../../protocol/keys/upload.ts'
import type { Code } from './code.ts'
import type { Opening } from './message.ts'
import type { PrivatePrekeys } from './pairing.ts'
import { nameOf } from './pairings.ts'
import { type KeyPair, newKeyPair, type Primitives } from './primitives.ts'
import { hmac } from './symmetric.ts'
import { type Identity, identityOf } from './x3dh.ts'

type Numbered = KeyPair & { readonly number: number; readonly at: Millis }
/** As it is kept. `secret`: in its code. `next`: of prekeys for one use, no number from there on was given. */
type Kept = {
  readonly seed: Uint8Array
  readonly secret: Uint8Array
  readonly signed: readonly Numbered[]
  readonly next: number
}
type Set = readonly (readonly [key: string, value: unknown])[]

const dayMs = 86_400_000
const rotatedMs = 7 * dayMs
/** So long a private prekey is kept after there is another: as long as the server keeps messages, and a week. */
export const keptMs = 37 * dayMs
/** With fewer left on the server this device brings more. */
export const low = 25
/** Private prekeys for one use: beyond these the oldest go, as a server may say without end that there are few. */
const mostOnce = 2_000

const suites = Uint8Array.of(suite)

/** What changes is answered as what is to be kept, in the same write. */
export class Own implements PrivatePrekeys {
  #seed: Uint8Array | undefined
  #secret: Uint8Array | undefined
  #signed: readonly Numbered[] = []
  #next = 1
  readonly #once = new Map<number, KeyPair>()
  /** Names of openings under a signed prekey alone that were answered (`nameOf`). */
  readonly answered = new Map<string, number>()
  /** When prekeys were brought because the server had few (entering.ts). */
  refilledAt = Number.NEGATIVE_INFINITY
  #identity: Identity | undefined

  load(kind: string, name: string, value: unknown): void {
    if (kind === 'me') {
      const { seed, secret, signed, next } = value as Kept
      ;[this.#seed, this.#secret, this.#signed, this.#next] = [seed, secret, signed, next]
    }
    if (kind === 'once') this.#once.set(Number(name), value as KeyPair)
    if (kind === 'answered') this.answered.set(name, value as number)
  }

  get identity(): Identity {
    this.#identity ??= identityOf(this.#seed as Uint8Array)
    return this.#identity
  }

  /** Of a device that comes for the first time messages may come before it has made one: then none is its own. */
  is(identity: Uint8Array): boolean {
    return this.#seed !== undefined && String(identity) === String(this.identity.public)
  }

  signed(number: number): KeyPair | undefined {
    return this.#signed.find((prekey) => prekey.number === number)
  }

  once(number: number): KeyPair | undefined {
    return this.#once.get(number)
  }

  /** An identity where there is none yet, and a signed prekey where the last is old: by a clock that may be wrong, which costs one more. */
  async renew(primitives: Primitives, now: Millis): Promise<Set> {
    const last = this.#signed.at(-1)
    if (last && Math.abs(now - last.at) < rotatedMs) return this.#kept()
    // As long as it was the last one others were given it, however old it was: who is away makes no other.
    return this.#turn(primitives, now, (at) => now - (this.#signed[at + 1]?.at ?? now) < keptMs)
  }

  /** Another signed prekey. `stays`: whether one that was made before does. */
  async #turn(primitives: Primitives, now: Millis, stays: (at: number) => boolean): Promise<Set> {
    this.#seed ??= primitives.random(32)
    this.#secret ??= primitives.random(16)
    const number = (this.#signed.at(-1)?.number ?? 0) + 1
    const made = { ...(await newKeyPair(primitives)), number, at: now }
    this.#signed = [...this.#signed.filter((_, at) => stays(at)), made]
    const over = [...this.answered].filter(([, signed]) => !this.signed(signed))
    for (const [name] of over) this.answered.delete(name)
    return [...over.map(([name]) => [`answered:${name}`, undefined] as const), ...this.#kept()]
  }

  /** More prekeys for one use. They may go to the server when what this answers is durable. */
  async more(primitives: Primitives): Promise<Set> {
    const made: (readonly [string, KeyPair])[] = []
    for (let count = 0; count < uploadedAtOnce; count++) {
      const pair = await newKeyPair(primitives)
      this.#once.set(this.#next, pair)
      made.push([`once:${this.#next}`, pair])
      this.#next += 1
    }
    const numbers = [...this.#once.keys()].sort((one, other) => one - other)
    const gone = numbers.slice(0, Math.max(0, numbers.length - mostOnce))
    for (const number of gone) this.#once.delete(number)
    return [...made, ...gone.map((number) => [`once:${number}`, undefined] as const), ...this.#kept()]
  }

  #kept(): Set {
    return [['me', { seed: this.#seed, secret: this.#secret, signed: this.#signed, next: this.#next } as Kept]]
  }

  /** Another identity in the place of one that was removed, which never comes back. Numbers go on. */
  async anew(primitives: Primitives, now: Millis): Promise<Set> {
    const gone = [...this.#once.keys()].map((number) => [`once:${number}`, undefined] as const)
    this.#once.clear()
    this.#seed = this.#secret = this.#identity = undefined
    return [...gone, ...(await this.#turn(primitives, now, () => false))]
  }

  /** What the server is left; `count` 0: nothing new, which it answers with how many there are. */
  upload(owner: Owner, count: number): Uint8Array {
    const last = this.#signed.at(-1) as Numbered
    const unsigned = { number: last.number, key: last.public, suites }
    const signed: SignedPrekey = { ...unsigned, signature: sign(prekeyStatement(owner, unsigned), this.identity.seed) }
    const first = Math.max(1, this.#next - count)
    const keys = Array.from({ length: Math.min(count, this.#next - 1) }, (_, at) => this.#once.get(first + at)?.public)
    const all = keys.every((key) => key !== undefined) ? (keys as Uint8Array[]) : []
    return uploadBytes({ identity: this.identity.public, signed, from: 1, first, keys: all })
  }

  /** A first message was read: its prekey goes, or its name stays. */
  opened(opening: Opening): Set {
    if (opening.once === 0) {
      this.answered.set(nameOf(opening), opening.signed)
      return [[`answered:${nameOf(opening)}`, opening.signed]]
    }
    this.#once.delete(opening.once)
    return [[`once:${opening.once}`, undefined]]
  }

  /** The link by which this device begins a chain, or begins anew. */
  alone(owner: Owner, chain: Chain, now: Millis): Uint8Array {
    const add = [this.#addition(owner)]
    return this.link(owner, chain, now, { kind: chain.n === 0 ? 'first' : 'reset', add, remove: [] })
  }

  /** The next of a chain, by this device. `secret`: of the code of the one that it adds. */
  link(
    { realm, user }: Owner,
    { n, hash: previous }: Chain,
    at: Millis,
    says: Pick<Unsigned, 'kind' | 'add' | 'remove'>,
    secret?: Uint8Array,
  ): Uint8Array {
    const { seed, public: by } = this.identity
    const unsigned = { ...says, user, n: n + 1, previous, at, by }
    return signedLink(realm, { ...unsigned, ...(secret && { proof: proofOf(secret, unsigned) }) }, seed)
  }

  #addition(owner: Owner): Addition {
    const { seed, public: by } = this.identity
    return newAddition(owner, by, suites, seed)
  }

  /** What another device of the user is shown, and nobody else. */
  code(owner: Owner): Code {
    return { ...this.#addition(owner), user: owner.user, secret: this.#secret as Uint8Array }
  }

  /**
   * Whether this is the chain that this device is in, and no other that the server has made up: the link that adds it is its own, or by one
   * that was shown its code. undefined: no link adds it.
   */
  proves(links: readonly Uint8Array[]): boolean | undefined {
    if (!this.#seed) return undefined
    const mine = bytesToHex(this.identity.public)
    const link = links.map(parseLink).find((link) => link?.add.some(({ identity }) => bytesToHex(identity) === mine))
    if (!link) return undefined
    const isOwn = bytesToHex(link.by) === mine
    return isOwn || String(link.proof) === String(proofOf(this.#secret as Uint8Array, link))
  }

  /** It was in the chain, and is not any more. */
  hasLeft({ left }: Chain): boolean {
    return left.has(bytesToHex(this.identity.public))
  }

  isIn({ members }: Chain, device: string): boolean {
    const mine = bytesToHex(this.identity.public)
    return members.some((member) => member.device === device && bytesToHex(member.identity) === mine)
  }
}

/** What a link says to the device that it adds. */
const proofOf = (secret: Uint8Array, link: Unsigned): Uint8Array => hmac(secret, provedBytes(link))
