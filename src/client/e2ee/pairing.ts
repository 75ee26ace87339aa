/**
 * What two devices share, so that one can read what the other wrote: the secret they agreed on (X3DH), and the ratchet that goes on
 * from it. Pure, as the ratchet is.
 */
import { clean } from '@noble/hashes/utils.js'
import { framed } from '../../protocol/keys/bytes.ts'
import { type Owner, suite } from '../../protocol/keys/prekeys.ts'
import { type Opening, type Part, parsePart, partBytes, partTypes, placeOf, type Unparsed } from './message.ts'
import type { KeyPair, Primitives } from './primitives.ts'
import { answering, beginning, canWrite, decrypt, encrypt, type Ratchet, type Unread } from './ratchet.ts'
import { answer, begin, type CheckedBundle, type Identity } from './x3dh.ts'

/** A device of a user, and the key by which it is known. */
export type Party = { readonly user: string; readonly device: string; readonly identity: Uint8Array }
export type Me = Owner & { readonly identity: Identity }

export type Pairing = {
  readonly realm: string
  readonly initiator: Party
  readonly responder: Party
  /** By its ephemeral key a first message that comes again finds its pairing. */
  readonly opening: Opening
  /** Until then each message carries the opening. */
  readonly answered: boolean
  readonly ratchet: Ratchet
}

/** What the bytes of a message belong to: moved to another chat, or another message, they cannot be read. */
export type About = { readonly chat: string; readonly id: string }

/** The private keys of what this device has left on the server; undefined: no such number, or not any more. */
export interface PrivatePrekeys {
  signed(number: number): KeyPair | undefined
  once(number: number): KeyPair | undefined
}

/** `no_prekey`: one that the opening names is not here any more. `no_pairing`: it is of another pairing. */
export type Unreadable = Unread | Unparsed | 'no_prekey' | 'no_pairing'

/** `place`: the message is finished under this name. */
export type Read = { readonly pairing: Pairing; readonly text: Uint8Array; readonly place: string }

/** With a device that may be away. undefined: a key of its bundle is of low order, or no point. */
export async function pair(primitives: Primitives, me: Me, bundle: CheckedBundle): Promise<Pairing | undefined> {
  const agreed = await begin(primitives, me.identity, bundle)
  if (!agreed) return undefined
  const ratchet = await beginning(primitives, agreed.secret, bundle.signed.key)
  clean(agreed.secret)
  if (!ratchet) return undefined
  const { user, device } = bundle.owner
  return {
    realm: me.realm,
    initiator: partyOf(me),
    responder: { user, device, identity: bundle.identity },
    opening: {
      ephemeral: agreed.ephemeral,
      signed: bundle.signed.number,
      once: bundle.once?.number ?? 0,
    },
    answered: false,
    ratchet,
  }
}

/** The other half, of what a first message says. It counts once a message could be read with it, and its prekey goes in the same write. */
export async function paired(
  primitives: Primitives,
  me: Me,
  peer: Party,
  opening: Opening,
  prekeys: PrivatePrekeys,
): Promise<Pairing | 'no_prekey' | 'bad_key'> {
  const signed = prekeys.signed(opening.signed)
  const once = opening.once === 0 ? undefined : prekeys.once(opening.once)
  if (!signed || (opening.once !== 0 && !once)) return 'no_prekey'
  const { user, device, identity } = peer
  const secret = await answer(primitives, me.identity, { identity, ephemeral: opening.ephemeral, signed, once })
  if (!secret) return 'bad_key'
  return {
    realm: me.realm,
    initiator: { user, device, identity },
    responder: partyOf(me),
    opening,
    answered: true,
    ratchet: answering(secret, signed),
  }
}

/** undefined: nothing of the other device was read yet, and it is the one that began. */
export function write(pairing: Pairing, text: Uint8Array, about: About): { pairing: Pairing; part: Part } | undefined {
  if (!canWrite(pairing.ratchet)) return undefined
  const opening = pairing.answered ? undefined : pairing.opening
  const type = opening ? partTypes.first : partTypes.later
  const { ratchet, message } = encrypt(pairing.ratchet, text, associated(pairing, about, type))
  return { pairing: { ...pairing, ratchet }, part: { type, bytes: partBytes(opening, message) } }
}

export async function read(
  primitives: Primitives,
  pairing: Pairing,
  part: Part,
  about: About,
): Promise<Read | Unreadable> {
  const parsed = parsePart(part)
  if (typeof parsed === 'string') return parsed
  const { opening, message } = parsed
  if (opening && !isOf(pairing, opening)) return 'no_pairing'
  const opened = await decrypt(primitives, pairing.ratchet, message, associated(pairing, about, part.type))
  if (typeof opened === 'string') return opened
  return {
    pairing: { ...pairing, answered: true, ratchet: opened.ratchet },
    text: opened.text,
    place: placeOf(message),
  }
}

/** Whether an opening made this pairing. */
export const isOf = ({ opening }: Pairing, other: Opening): boolean =>
  String(opening.ephemeral) === String(other.ephemeral) &&
  opening.signed === other.signed &&
  opening.once === other.once

/**
 * What the tag covers besides the text: who with whom, where, which message, in which form. And the opening, byte by byte: X25519 has
 * more than one form of a point, and in another a first message would come again as one that was never seen.
 */
const associated = (
  { realm, initiator, responder, opening: { ephemeral, signed, once } }: Pairing,
  { chat, id }: About,
  type: Part['type'],
): Uint8Array =>
  framed([
    'Bluetick/1/message',
    realm,
    suite,
    ...fields(initiator),
    ...fields(responder),
    ...[ephemeral, signed, once],
    ...[chat, id, type],
  ])

const fields = ({ user, device, identity }: Party) => [user, device, identity] as const

export const partyOf = ({ user, device, identity }: Me): Party => ({ user, device, identity: identity.public })
