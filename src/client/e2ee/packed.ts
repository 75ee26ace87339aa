/** A pairing as bytes, for the storage; and what becomes of its keys when it has moved on. */
import { clean } from '@noble/hashes/utils.js'
import { type Field, framed, uint32At, unframed } from '../../protocol/keys/bytes.ts'
import type { Opening } from './message.ts'
import type { Pairing, Party } from './pairing.ts'
import type { Chain, Keys, Ratchet } from './ratchet.ts'

/** Of this form. */
const version = 1
const nothing = new Uint8Array(0)

/** About 600 bytes, and 110 for each key that is kept. */
export const packed = ({ realm, initiator, responder, opening, answered, ratchet }: Pairing): Uint8Array =>
  framed([
    version,
    realm,
    ...ofParty(initiator),
    ...ofParty(responder),
    ...[opening.ephemeral, opening.signed, opening.once],
    answered ? 1 : 0,
    ...[ratchet.root, ratchet.mine.secret, ratchet.mine.public, ratchet.theirs ?? nothing],
    ...ofChain(ratchet.sending),
    ...ofChain(ratchet.receiving),
    ratchet.before,
    ...ofKeys(ratchet.skipped),
    ...ofKeys(ratchet.unfinished),
  ])

/** undefined: not what `packed` makes. */
export function unpacked(bytes: Uint8Array): Pairing | undefined {
  const read = new Reader(unframed(bytes) ?? [])
  if (read.number() !== version) return undefined
  const pairing = {
    realm: read.text(),
    initiator: party(read),
    responder: party(read),
    opening: opening(read),
    answered: read.number() === 1,
    ratchet: ratchet(read),
  }
  return read.isWhole ? pairing : undefined
}

/** Overwrites the keys that a state held and the next does not: to be called once the next is durable. */
export function forget(past: Ratchet, next?: Ratchet): void {
  const needed = new Set(next && secretsOf(next))
  clean(...secretsOf(past).filter((secret) => !needed.has(secret)))
}

const secretsOf = ({ root, mine, sending, receiving, skipped, unfinished }: Ratchet): Uint8Array[] =>
  [root, mine.secret, sending?.key, receiving?.key, ...skipped.values(), ...unfinished.values()].filter(
    (secret) => secret !== undefined,
  )

const ofParty = ({ user, device, identity }: Party): Field[] => [user, device, identity]
const ofChain = (chain: Chain | undefined): Field[] => [chain?.key ?? nothing, chain?.n ?? 0]
const ofKeys = (keys: Keys): Field[] => [keys.size, ...[...keys].flat()]

/** Takes one field after the other; one that does not fit makes the whole wrong. */
class Reader {
  readonly #fields: readonly Uint8Array[]
  #at = 0
  #fits = true

  constructor(fields: readonly Uint8Array[]) {
    this.#fields = fields
  }

  get isWhole(): boolean {
    return this.#fits && this.#at === this.#fields.length
  }

  bytes(...lengths: readonly number[]): Uint8Array {
    const field = this.#fields[this.#at++]
    if (field && lengths.includes(field.length)) return field
    this.#fits = false
    return nothing
  }

  number(): number {
    const field = this.bytes(4)
    return field.length ? uint32At(field, 0) : 0
  }

  text(): string {
    const field = this.#fields[this.#at++]
    this.#fits &&= field !== undefined
    return new TextDecoder().decode(field)
  }

  /** A list that says how long it is; no longer than what is there. */
  *times(): Iterable<number> {
    for (let left = this.number(); left > 0 && this.#fits; left--) yield left
  }
}

const party = (read: Reader): Party => ({ user: read.text(), device: read.text(), identity: read.bytes(32) })
const opening = (read: Reader): Opening => ({
  ephemeral: read.bytes(32),
  signed: read.number(),
  once: read.number(),
})
const ratchet = (read: Reader): Ratchet => ({
  root: read.bytes(32),
  mine: { secret: read.bytes(32), public: read.bytes(32) },
  theirs: unlessEmpty(read.bytes(0, 32)),
  sending: chain(read),
  receiving: chain(read),
  before: read.number(),
  skipped: keys(read),
  unfinished: keys(read),
})
const unlessEmpty = (bytes: Uint8Array): Uint8Array | undefined => (bytes.length ? bytes : undefined)

function chain(read: Reader): Chain | undefined {
  const key = unlessEmpty(read.bytes(0, 32))
  const n = read.number()
  return key && { key, n }
}

const keys = (read: Reader): Keys => new Map(Array.from(read.times(), () => [read.text(), read.bytes(32)]))
