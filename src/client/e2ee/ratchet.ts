/**
 * The Double Ratchet: each message has a key of its own, and each answer brings new chance into all keys after it. As Signal published
 * it, with the functions that its page recommends. Pure: what it is given stays as it was, and what failed has changed nothing.
 */
import { equalBytes } from '@noble/ciphers/utils.js'
import { clean, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { headerBytes, type Message, placeOf } from './message.ts'
import { type KeyPair, newKeyPair, type Primitives } from './primitives.ts'
import { hkdf, hmac, open, seal } from './symmetric.ts'

/** Messages that may be missing before one that is there. Who forges a header makes this device take so many steps: 15 ms. */
export const skippedAtOnce = 1_000
/** Keys that are kept for missing messages; beyond it the oldest go. 136 KB. */
export const skippedInAll = 2_000

const rootInfo = utf8ToBytes('Bluetick Root Chain')
const messageStep = Uint8Array.of(1)
const chainStep = Uint8Array.of(2)

/** `n`: the number of its next message. */
export type Chain = { readonly key: Uint8Array; readonly n: number }

export type Ratchet = {
  readonly root: Uint8Array
  readonly mine: KeyPair
  /** undefined: the peer has not written yet. */
  readonly theirs: Uint8Array | undefined
  readonly sending: Chain | undefined
  readonly receiving: Chain | undefined
  /** Messages of the sending chain before. */
  readonly before: number
  /** Keys of messages that have not come, the oldest first. */
  readonly skipped: Keys
  /** Keys of messages that were opened, and whose reader has not gone on: after a crash they are opened again. */
  readonly unfinished: Keys
}
/** By the place of the message (`placeOf`). */
export type Keys = ReadonlyMap<string, Uint8Array>

/** Why a message cannot be read. `no_key`: it was read and finished, or its key was given up. `bad_key`: of low order. */
export type Unread = 'no_key' | 'too_far' | 'bad_key' | 'bad_tag'
export type Opened = { readonly ratchet: Ratchet; readonly text: Uint8Array }

/** Of whoever began: `theirs` is the signed prekey. undefined: it is of low order. */
export async function beginning(primitives: Primitives, secret: Uint8Array, theirs: Uint8Array) {
  const none = { theirs, receiving: undefined, before: 0, skipped: new Map(), unfinished: new Map() }
  return sendingAnew(primitives, { ...none, root: secret, mine: noPair, sending: undefined })
}

/** Of whoever was away: `prekey` is its signed one, which it keeps for others; `secret` is taken over. */
export const answering = (secret: Uint8Array, prekey: KeyPair): Ratchet => ({
  root: secret,
  mine: { secret: prekey.secret.slice(), public: prekey.public },
  theirs: undefined,
  sending: undefined,
  receiving: undefined,
  before: 0,
  skipped: new Map(),
  unfinished: new Map(),
})

/** Whether it can write: whoever answers cannot before it has read. */
export const canWrite = (ratchet: Ratchet): ratchet is Ratchet & { sending: Chain } => ratchet.sending !== undefined

/** The new state is to be kept before the message leaves, and the message with it: a repeat is the same bytes. */
export function encrypt(ratchet: Ratchet & { sending: Chain }, text: Uint8Array, ad: Uint8Array) {
  const { key, n } = ratchet.sending
  const header = { ratchetKey: ratchet.mine.public, before: ratchet.before, n }
  const messageKey = hmac(key, messageStep)
  const sealed = seal(messageKey, text, concatBytes(ad, headerBytes(header)))
  clean(messageKey)
  const message: Message = { ...header, sealed }
  return { ratchet: { ...ratchet, sending: { key: hmac(key, chainStep), n: n + 1 } }, message }
}

/** Whether a message is of a chain that this one has followed: then it is in no other pairing. */
export const knows = (ratchet: Ratchet, message: Message): boolean =>
  isOfLast(ratchet, message) || keptKey(ratchet, placeOf(message)) !== undefined

const isOfLast = (ratchet: Ratchet, { ratchetKey }: Message): ratchet is Ratchet & { readonly receiving: Chain } =>
  ratchet.receiving !== undefined && ratchet.theirs !== undefined && equalBytes(ratchet.theirs, ratchetKey)

const keptKey = ({ unfinished, skipped }: Ratchet, place: string) => unfinished.get(place) ?? skipped.get(place)

/** The key of what was opened stays in the state, under `placeOf(message)`, until `finished`. */
export async function decrypt(
  primitives: Primitives,
  ratchet: Ratchet,
  message: Message,
  ad: Uint8Array,
): Promise<Opened | Unread> {
  const full = concatBytes(ad, headerBytes(message))
  const place = placeOf(message)
  const kept = keptKey(ratchet, place)
  if (!kept) return decryptNext(primitives, ratchet, message, full)
  const text = open(kept, message.sealed, full)
  if (!text) return 'bad_tag'
  return { text, ratchet: withUnfinished({ ...ratchet, skipped: without(ratchet.skipped, place) }, place, kept) }
}

/** To be kept in the write that moves the cursor past the message, and not before. */
export const finished = (ratchet: Ratchet, place: string): Ratchet => ({
  ...ratchet,
  unfinished: without(ratchet.unfinished, place),
})

async function decryptNext(primitives: Primitives, ratchet: Ratchet, message: Message, ad: Uint8Array) {
  if (isOfLast(ratchet, message)) return decryptOf(ratchet, ratchet.receiving, message, ad)
  const { receiving } = ratchet
  // Before anything is derived: the header may be forged.
  const skips = Math.max(message.n, message.before - (receiving?.n ?? message.before))
  if (skips > skippedAtOnce) return 'too_far'
  const step = await rootStep(primitives, ratchet.root, ratchet.mine.secret, message.ratchetKey)
  if (!step) return 'bad_key'
  const turned = { ...ratchet, root: step.root, theirs: message.ratchetKey.slice(), receiving: step.chain }
  const opened = decryptOf(turned, step.chain, message, ad)
  // Only what was authenticated is worth the keys of the chain that ends, and a new pair.
  const next = typeof opened === 'string' ? undefined : await sendingAnew(primitives, opened.ratchet)
  clean(step.root, step.chain.key)
  if (typeof opened === 'string') return opened
  return next ? { text: opened.text, ratchet: keptOfEnded(ratchet, message.before, next) } : 'bad_key'
}

/** A message of a chain that is known, at its end or further on. */
function decryptOf(ratchet: Ratchet, chain: Chain, message: Message, ad: Uint8Array): Opened | Unread {
  if (message.n < chain.n) return 'no_key'
  if (message.n - chain.n > skippedAtOnce) return 'too_far'
  const { chain: at, passed } = walk(chain, message.n)
  const messageKey = hmac(at.key, messageStep)
  const text = open(messageKey, message.sealed, ad)
  if (!text) {
    clean(messageKey, ...passed.slice(1), ...(at === chain ? [] : [at.key]))
    return 'bad_tag'
  }
  const skipped = withSkipped(ratchet.skipped, message.ratchetKey, chain.n, passed)
  const receiving = { key: hmac(at.key, chainStep), n: message.n + 1 }
  // Else it is that of the state which was handed in.
  if (at !== chain) clean(at.key)
  return { text, ratchet: withUnfinished({ ...ratchet, receiving, skipped }, placeOf(message), messageKey) }
}

/** The keys of the chain that a new ratchet key has ended, for what of it has not come. */
function keptOfEnded(old: Ratchet, until: number, next: Ratchet): Ratchet {
  if (!old.receiving || !old.theirs || until <= old.receiving.n) return next
  const { passed, chain } = walk(old.receiving, until)
  const skipped = withSkipped(old.skipped, old.theirs, old.receiving.n, passed)
  clean(chain.key)
  const ofNew = [...next.skipped].filter(([place]) => !old.skipped.has(place))
  return { ...next, skipped: bounded(new Map([...skipped, ...ofNew])) }
}

/** The chain at a later number, and the chain keys that it left behind; the first of these is that of `chain` itself. */
function walk(chain: Chain, n: number): { chain: Chain; passed: Uint8Array[] } {
  const passed: Uint8Array[] = []
  let key = chain.key
  for (let at = chain.n; at < n; at++) {
    passed.push(key)
    key = hmac(key, chainStep)
  }
  return { chain: passed.length ? { key, n } : chain, passed }
}

/** With the message keys of chain keys that were passed. */
function withSkipped(skipped: Keys, ratchetKey: Uint8Array, from: number, passed: readonly Uint8Array[]): Keys {
  if (passed.length === 0) return skipped
  const keys = passed.map((key, index) => [placeOf({ ratchetKey, n: from + index }), hmac(key, messageStep)] as const)
  // The first is in the state that was handed in, which may still be needed.
  clean(...passed.slice(1))
  return bounded(new Map([...skipped, ...keys]))
}

const bounded = (keys: Keys): Keys =>
  keys.size > skippedInAll ? new Map([...keys].slice(keys.size - skippedInAll)) : keys

const withUnfinished = (ratchet: Ratchet, place: string, key: Uint8Array): Ratchet =>
  ratchet.unfinished.has(place) ? ratchet : { ...ratchet, unfinished: new Map([...ratchet.unfinished, [place, key]]) }

function without(keys: Keys, place: string): Keys {
  if (!keys.has(place)) return keys
  return new Map([...keys].filter(([other]) => other !== place))
}

/** A new pair, and a sending chain from it. */
async function sendingAnew(
  primitives: Primitives,
  ratchet: Ratchet,
): Promise<(Ratchet & { sending: Chain }) | undefined> {
  if (!ratchet.theirs) return undefined
  const mine = await newKeyPair(primitives)
  const step = await rootStep(primitives, ratchet.root, mine.secret, ratchet.theirs)
  return step && { ...ratchet, mine, root: step.root, sending: step.chain, before: ratchet.sending?.n ?? 0 }
}

/** undefined: `theirs` is of low order. */
async function rootStep(primitives: Primitives, root: Uint8Array, secret: Uint8Array, theirs: Uint8Array) {
  const shared = await primitives.agree(secret, theirs)
  if (!shared) return undefined
  const both = hkdf(shared, root, rootInfo, 64)
  clean(shared)
  const step = { root: both.slice(0, 32), chain: { key: both.slice(32), n: 0 } }
  clean(both)
  return step
}

const noPair: KeyPair = { secret: new Uint8Array(32), public: new Uint8Array(32) }
