/** Devices with their keys, and pairings of them, for tests. */

import type { KeyPair, Primitives } from '../../../src/client/e2ee/primitives.ts'
import type { Bundle, CheckedBundle } from '../../../src/client/e2ee/x3dh.ts'
import { prekeyStatement } from '../../../src/protocol/keys/prekeys.ts'
import { sign } from '../../../src/protocol/keys/signing.ts'
import {
  type About,
  checkedBundle,
  identityOf,
  type Me,
  newKeyPair,
  type Pairing,
  type Part,
  type PrivatePrekeys,
  pair,
  paired,
  parsePart,
  partyOf,
  platformPrimitives,
  read,
  write,
} from './kit.ts'

export const primitives = await platformPrimitives()
export const realm = 'chat.example.org'
export const about: About = { chat: 'bob', id: '01890a5d-ac96-774b-bcce-b302099a8057' }

export type Device = { readonly me: Me; readonly prekeys: PrivatePrekeys; readonly bundle: CheckedBundle }

/** With a signed prekey, number 1, and one for one use, number 1, unless it has none left. */
export async function newDevice(user: string, { hasOnce = true, chance = primitives } = {}): Promise<Device> {
  const identity = identityOf(chance.random(32))
  const [signed, once] = [await newKeyPair(chance), await newKeyPair(chance)]
  return deviceOf({ realm, user, device: 'phone', identity }, signed, hasOnce ? once : undefined)
}

export function deviceOf(me: Me, signed: KeyPair, once: KeyPair | undefined): Device {
  const prekey = { number: 1, key: signed.public, suites: Uint8Array.of(1) }
  const signature = sign(prekeyStatement(me, prekey), me.identity.seed)
  const bundle = mustBeChecked({
    owner: { realm: me.realm, user: me.user, device: me.device },
    identity: me.identity.public,
    signed: { ...prekey, signature },
    once: once && { number: 1, key: once.public },
  })
  const prekeys: PrivatePrekeys = {
    signed: (number) => (number === 1 ? signed : undefined),
    once: (number) => (number === 1 ? once : undefined),
  }
  return { me, prekeys, bundle }
}

export function mustBeChecked(bundle: Bundle): CheckedBundle {
  const checked = checkedBundle(bundle)
  if (!checked) throw new Error('the bundle is not signed')
  return checked
}

/** A pairing that `one` begins with `other`; it fails only for keys that no device has made. */
export async function begun(one: Device, other: Device, by: Primitives = primitives): Promise<Pairing> {
  const pairing = await pair(by, one.me, other.bundle)
  if (!pairing) throw new Error('a key of low order')
  return pairing
}

/** The half of `other`, of the first part that came. */
export async function answered(other: Device, peer: Device, part: Part, by = primitives): Promise<Pairing> {
  const parsed = parsePart(part)
  if (typeof parsed === 'string' || !parsed.opening) throw new Error('no first part')
  const pairing = await paired(by, other.me, partyOf(peer.me), parsed.opening, other.prekeys)
  if (typeof pairing === 'string') throw new Error(pairing)
  return pairing
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const textOf = (found: Uint8Array): string => new TextDecoder().decode(found)

export function mustWrite(pairing: Pairing, text: string, of: About = about): { pairing: Pairing; part: Part } {
  const written = write(pairing, bytes(text), of)
  if (!written) throw new Error('nothing of the peer was read yet')
  return written
}

export async function mustRead(pairing: Pairing, part: Part, of: About = about) {
  const found = await read(primitives, pairing, part, of)
  if (typeof found === 'string') throw new Error(found)
  return { ...found, text: textOf(found.text) }
}

/** Two devices that have each read of the other. */
export async function talking(options = {}): Promise<{ alice: Pairing; bob: Pairing; devices: [Device, Device] }> {
  const devices: [Device, Device] = [await newDevice('alice', options), await newDevice('bob', options)]
  const first = mustWrite(await begun(...devices), 'first')
  const opened = await mustRead(await answered(devices[1], devices[0], first.part), first.part)
  const reply = mustWrite(opened.pairing, 'reply')
  return { alice: (await mustRead(first.pairing, reply.part)).pairing, bob: reply.pairing, devices }
}
