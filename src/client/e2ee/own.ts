/** This device: its identity, what it leaves for others, and its place in the chain of its user. */
import { bytesToHex } from '@noble/hashes/utils.js'
import type { Millis } from '../../protocol/ids.ts'
import type { Chain } from '../../protocol/keys/chain.ts'
import { newAddition, signedLink } from '../../protocol/keys/link.ts'
import { type Owner, prekeyStatement, type SignedPrekey, suite } from '../../protocol/keys/prekeys.ts'
import { sign } from '../../protocol/keys/signing.ts'
import { uploadBytes, uploadedAtOnce } from '../../protocol/keys/upload.ts'
import type { Opening } from './message.ts'
import type { PrivatePrekeys } from './pairing.ts'
import { nameOf } from './pairings.ts'
import { type KeyPair, newKeyPair, type Primitives } from './primitives.ts'
import { type Identity, identityOf } from './x3dh.ts'

type Numbered = KeyPair & { readonly number: number; readonly at: Millis }
/** As it is kept. `next`: of prekeys for one use, no number from there on was given. */
type Kept = { readonly seed: Uint8Array; readonly signed: readonly Numbered[]; readonly next: number }
type Set = readonly (readonly [key: string, value: unknown])[]

const dayMs = 86_400_000
const rotatedMs = 7 * dayMs
/** So long a private prekey is kept: as long as the server keeps messages, and a week. */
export const keptMs = 37 * dayMs
/** With fewer left on the server this device brings more. */
export const low = 25

const suites = Uint8Array.of(suite)

/** What changes is answered as what is to be kept, in the same write. */
export class Own implements PrivatePrekeys {
  #seed: Uint8Array | undefined
  #signed: readonly Numbered[] = []
  #next = 1
  readonly #once = new Map<number, KeyPair>()
  /** Names of openings under a signed prekey alone that were answered (`nameOf`). */
  readonly answered = new Map<string, number>()
  #identity: Identity | undefined

  load(kind: string, name: string, value: unknown): void {
    if (kind === 'me') {
      const { seed, signed, next } = value as Kept
      ;[this.#seed, this.#signed, this.#next] = [seed, signed, next]
    }
    if (kind === 'once') this.#once.set(Number(name), value as KeyPair)
    if (kind === 'answered') this.answered.set(name, value as number)
  }

  get identity(): Identity {
    this.#identity ??= identityOf(this.#seed as Uint8Array)
    return this.#identity
  }

  signed(number: number): KeyPair | undefined {
    return this.#signed.find((prekey) => prekey.number === number)
  }

  once(number: number): KeyPair | undefined {
    return this.#once.get(number)
  }

  /** An identity where there is none yet, and a signed prekey where the last is old: by a clock that may be wrong, which costs one more. */
  async renew(primitives: Primitives, now: Millis): Promise<Set> {
    this.#seed ??= primitives.random(32)
    const last = this.#signed.at(-1)
    if (last && Math.abs(now - last.at) < rotatedMs) return this.#kept()
    const made = { ...(await newKeyPair(primitives)), number: (last?.number ?? 0) + 1, at: now }
    const stays = this.#signed.filter(({ at }) => now - at < keptMs)
    this.#signed = [...stays, made]
    return this.#kept()
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
    return [...made, ...this.#kept()]
  }

  #kept(): Set {
    return [['me', { seed: this.#seed, signed: this.#signed, next: this.#next } as Kept]]
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
    const { seed, public: by } = this.identity
    return signedLink(
      owner.realm,
      {
        kind: chain.n === 0 ? 'first' : 'reset',
        ...{ user: owner.user, n: chain.n + 1, previous: chain.hash, at: now },
        ...{ add: [newAddition(owner, by, suites, seed)], remove: [], by },
      },
      seed,
    )
  }

  isIn({ members }: Chain, device: string): boolean {
    const mine = bytesToHex(this.identity.public)
    return members.some((member) => member.device === device && bytesToHex(member.identity) === mine)
  }
}
