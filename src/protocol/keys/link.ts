/** A link of the chain that says which devices a user has: its form as bytes, and what is signed of it. */
import { sha256 } from '@noble/hashes/sha2.js'
import { type Field, framed, uint32At, unframed } from './bytes.ts'
import type { Owner } from './prekeys.ts'
import { isSigned, keyBytes, type Statement, sign, signatureBytes } from './signing.ts'

/** `change`: by a device that the user has. `reset`: by a new one alone, when none of the old ones is at hand. */
const kinds = ['first', 'change', 'reset'] as const

/** A device that asks to be one of the user's, and by `request` that it has the key. */
export type Addition = {
  readonly device: string
  readonly identity: Uint8Array
  /** Suites that it takes. */
  readonly suites: Uint8Array
  readonly request: Uint8Array
}

export type Unsigned = {
  readonly kind: (typeof kinds)[number]
  readonly user: string
  /** From 1, without holes. */
  readonly n: number
  /** SHA-256 of the link before; zeros before the first. */
  readonly previous: Uint8Array
  /** Milliseconds since 1970 by the clock of its device: for people, and believed by nobody. */
  readonly at: number
  readonly add: readonly Addition[]
  /** Identity keys. */
  readonly remove: readonly Uint8Array[]
  /** The identity key that signs. */
  readonly by: Uint8Array
  /** For the device that is added, by what its code says: the server, which never saw that, can make none. Empty: none. */
  readonly proof?: Uint8Array
}
export type Link = Unsigned & { readonly signature: Uint8Array }

/** Devices that one link adds, and those that it removes. */
const most = 16
/** Of a link as bytes: 16 devices with the longest names. */
export const linkBytes = 16_384

const version = 1
const hashBytes = 32
/** An HMAC with SHA-256. */
const proofBytes = 32
const nothing = new Uint8Array(0)

export const hashOf = (link: Uint8Array): Uint8Array => sha256(link)

/** What a new device signs, before it is known which link will add it. */
const requestStatement = (
  { realm, user, device }: Owner,
  { identity, suites }: Pick<Addition, 'identity' | 'suites'>,
) => ({ purpose: 'request', realm, fields: [user, device, identity, suites] }) satisfies Statement

export const newAddition = (owner: Owner, identity: Uint8Array, suites: Uint8Array, seed: Uint8Array): Addition => ({
  device: owner.device,
  identity,
  suites,
  request: sign(requestStatement(owner, { identity, suites }), seed),
})

/** What `proof` is made of: all that the link says, and with the hash of the link before all that the others say. */
export const provedBytes = (unsigned: Unsigned): Uint8Array => framed(saidBy(unsigned))

export function signedLink(realm: string, unsigned: Unsigned, seed: Uint8Array): Uint8Array {
  const fields = fieldsOf(unsigned)
  return framed([...fields, sign({ purpose: 'link', realm, fields }, seed)])
}

/** Whether the device that it names has signed it, and each that it adds has asked. */
export const isGenuine = (realm: string, link: Link): boolean =>
  isSigned({ purpose: 'link', realm, fields: fieldsOf(link) }, link.signature, link.by) &&
  link.add.every((addition) => hasAsked({ realm, user: link.user }, addition))

/** Whether a device has asked to be one of that user's. */
export const hasAsked = (of: Omit<Owner, 'device'>, addition: Addition): boolean =>
  isSigned(requestStatement({ ...of, device: addition.device }, addition), addition.request, addition.identity)

/** undefined: no link, or not in the one form that it can have. */
export function parseLink(bytes: Uint8Array): Link | undefined {
  if (bytes.length > linkBytes) return undefined
  const [first, kindAt, user, n, previous, at, adds, removes, by, proof, signature, ...more] = unframed(bytes) ?? []
  if (!first || !kindAt || !user || !n || !previous || !at || !adds || !removes || !by || !proof || more.length)
    return undefined
  const kind = kinds[kindAt[3] ?? kinds.length]
  const [add, remove] = [additionsIn(adds), identitiesIn(removes)]
  if (!kind || !add || !remove || at.length !== 8 || n.length !== 4 || previous.length !== hashBytes) return undefined
  if (by.length !== keyBytes || signature?.length !== signatureBytes) return undefined
  if (proof.length !== 0 && proof.length !== proofBytes) return undefined
  const time = Number(new DataView(at.buffer, at.byteOffset).getBigUint64(0))
  const link = { kind, user: textIn(user), n: uint32At(n, 0), previous, at: time, add, remove, by, proof, signature }
  // What has another form, however little, would have another hash.
  const again = framed([...fieldsOf(link), signature])
  return again.length === bytes.length && again.every((byte, index) => byte === bytes[index]) ? link : undefined
}

const fieldsOf = (unsigned: Unsigned): Field[] => [...saidBy(unsigned), unsigned.proof ?? nothing]

const saidBy = ({ kind, user, n, previous, at, add, remove, by }: Unsigned): Field[] => [
  version,
  kinds.indexOf(kind),
  user,
  n,
  previous,
  uint64(at),
  framed(add.flatMap(({ device, identity, suites, request }) => [device, identity, suites, request])),
  framed(remove),
  by,
]

function additionsIn(bytes: Uint8Array): Addition[] | undefined {
  const fields = unframed(bytes)
  if (!fields || fields.length % 4 !== 0 || fields.length > 4 * most) return undefined
  const found: Addition[] = []
  for (let at = 0; at < fields.length; at += 4) {
    const [device, identity, suites, request] = fields.slice(at, at + 4)
    if (!device || !suites || identity?.length !== keyBytes || request?.length !== signatureBytes) return undefined
    found.push({ device: textIn(device), identity, suites, request })
  }
  return found
}

function identitiesIn(bytes: Uint8Array): Uint8Array[] | undefined {
  const found = unframed(bytes)
  return found && found.length <= most && found.every(({ length }) => length === keyBytes) ? found : undefined
}

const textIn = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value))
  return bytes
}
