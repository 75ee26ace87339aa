/**
 * The pairings with one other device. Mostly that is one; there are more where both began at once, or one had lost what it kept. That which
 * has read last writes: so after an exchange both write in the same.
 */
import { bytesToHex } from '@noble/hashes/utils.js'
import { type Opening, type Part, parsePart } from './message.ts'
import {
  type About,
  isOf,
  type Me,
  type Pairing,
  type Party,
  type PrivatePrekeys,
  paired,
  type Read,
  read,
  type Unreadable,
} from './pairing.ts'
import type { Primitives } from './primitives.ts'
import { knows, skippedAtOnce } from './ratchet.ts'

export const mostPairings = 5
/** Steps that one message may ask of all pairings, as a header may be forged: 30 ms. Of those that have read longest ago it asks none, where it needs so many. */
const mostSteps = 2 * skippedAtOnce

/** That which has read last is first. */
export type Pairings = readonly Pairing[]

/** What this device has to know of itself to answer a first message. */
export type Keeper = {
  readonly me: Me
  readonly prekeys: PrivatePrekeys
  /** First messages under a signed prekey alone that were read before (`nameOf`): kept as long as its private key is, since the pairing may be gone. */
  readonly answered: ReadonlySet<string>
}

/** `opening`: of a pairing that this message began; its prekey for one use is to be deleted, or its name kept, in the same write. */
export type ReadOne = Omit<Read, 'pairing'> & { readonly pairings: Pairings; readonly opening: Opening | undefined }

export const nameOf = ({ signed, ephemeral }: Opening): string => `${signed}.${bytesToHex(ephemeral)}`

/** With one that this device has begun: it writes only in it what it has to, until it has read in it. */
export const withBegun = (pairings: Pairings, begun: Pairing): Pairings => [
  ...bounded(pairings, mostPairings - 1),
  begun,
]

/** With a pairing as it is now. */
export const withChanged = (pairings: Pairings, changed: Pairing): Pairings =>
  pairings.map((pairing) => (isOf(pairing, changed.opening) ? changed : pairing))

/** Reads in whichever pairing it was written, or in one that it begins. */
export async function readOne(
  primitives: Primitives,
  keeper: Keeper,
  peer: Party,
  pairings: Pairings,
  part: Part,
  about: About,
): Promise<ReadOne | Unreadable> {
  const parsed = parsePart(part)
  if (typeof parsed === 'string') return parsed
  const { opening, message } = parsed
  const known = pairings.find((pairing) => (opening ? isOf(pairing, opening) : knows(pairing.ratchet, message)))
  if (opening && !known) return readFirst(primitives, keeper, peer, pairings, part, about, opening)
  const most = Math.max(1, Math.floor(mostSteps / (message.n + 1)))
  let why: Unreadable = 'no_pairing'
  for (const pairing of known ? [known] : pairings.slice(0, most)) {
    const found = await read(primitives, pairing, part, about)
    if (typeof found !== 'string') return inFront(pairings, found, undefined)
    why = found
  }
  return why
}

async function readFirst(
  primitives: Primitives,
  { me, prekeys, answered }: Keeper,
  peer: Party,
  pairings: Pairings,
  part: Part,
  about: About,
  opening: Opening,
): Promise<ReadOne | Unreadable> {
  if (answered.has(nameOf(opening))) return 'no_key'
  const pairing = await paired(primitives, me, peer, opening, prekeys)
  if (typeof pairing === 'string') return pairing
  const found = await read(primitives, pairing, part, about)
  return typeof found === 'string' ? found : inFront(pairings, found, opening)
}

function inFront(pairings: Pairings, { pairing, ...found }: Read, opening: Opening | undefined): ReadOne {
  const others = pairings.filter((other) => !isOf(other, pairing.opening))
  return { ...found, opening, pairings: bounded([pairing, ...others]) }
}

/** Without those that have read longest ago; one with messages that are not finished stays. */
function bounded(pairings: Pairings, most = mostPairings): Pairings {
  let more = pairings.length - most
  const kept = pairings.toReversed().filter(({ ratchet }, index) => {
    const goes = more > 0 && index < pairings.length - 1 && ratchet.unfinished.size === 0
    if (goes) more--
    return !goes
  })
  return kept.toReversed()
}
