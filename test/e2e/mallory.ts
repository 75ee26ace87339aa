/** Somebody with keys who writes what no client of the SDK would: by frames alone, over the cryptography as it is. */
import { concatBytes } from '@noble/hashes/utils.js'
import { expect } from 'vitest'
import { keyOf, saltBytes, sharedStatement } from '../../src/client/e2ee/group-sealing.ts'
import { type Pairing, pair, write } from '../../src/client/e2ee/pairing.ts'
import { keyPayload, payloadBytes } from '../../src/client/e2ee/payload.ts'
import { plainPrimitives } from '../../src/client/e2ee/plain.ts'
import { newKeyPair, type Primitives } from '../../src/client/e2ee/primitives.ts'
import { seal } from '../../src/client/e2ee/symmetric.ts'
import { checkedBundle, identityOf } from '../../src/client/e2ee/x3dh.ts'
import type { DeviceId, UserId } from '../../src/protocol/ids.ts'
import { bundlesIn, type ServedBundle } from '../../src/protocol/keys/bundles.ts'
import { groupBody } from '../../src/protocol/keys/group.ts'
import { newAddition, signedLink } from '../../src/protocol/keys/link.ts'
import { type DevicePart, sentBody } from '../../src/protocol/keys/parts.ts'
import { prekeyStatement } from '../../src/protocol/keys/prekeys.ts'
import { sign } from '../../src/protocol/keys/signing.ts'
import { uploadBytes } from '../../src/protocol/keys/upload.ts'
import { platformPrimitives } from '../client/e2ee/kit.ts'
import { enter, type Frame, type Raw } from './raw.ts'

const suites = Uint8Array.of(1)
const none = { n: 0, hash: new Uint8Array(0) }
const base64 = (bytes: Uint8Array) => ({ base64: Buffer.from(bytes).toString('base64') })
const bytesOf = (item: unknown) => Buffer.from((item as { base64: string }).base64, 'base64')
const patient = { timeout: 60_000 }

let ids = 0
const newId = () => `01890a5d-ac96-774b-bcce-${String(++ids).padStart(12, '0')}`

type Payload = Parameters<typeof payloadBytes>[0]
export const payload = (says: Partial<Payload>): Uint8Array =>
  payloadBytes({ body: '', mine: none, theirs: none, ...says })

export class Mallory {
  readonly user: string
  readonly raw: Raw
  readonly #identity = identityOf(plainPrimitives.random(32))
  readonly #by: Primitives

  private constructor(user: string, raw: Raw, by: Primitives) {
    this.user = user
    this.raw = raw
    this.#by = by
  }

  /** With a chain of one device, `phone`, which nobody has to write to. */
  static async enter(url: string, user = 'mallory'): Promise<Mallory> {
    const mallory = new Mallory(user, await enter(url, user), await platformPrimitives())
    const owner = { realm: '', user, device: 'phone' }
    const { seed, public: by } = mallory.#identity
    const prekey = { number: 1, key: (await newKeyPair(mallory.#by)).public, suites }
    const signed = { ...prekey, signature: sign(prekeyStatement(owner, prekey), seed) }
    const upload = uploadBytes({ identity: by, signed, from: 1, first: 1, keys: [] })
    await mallory.ask('prekeys', 'p', base64(upload))
    const add = [newAddition(owner, by, suites, seed)]
    const link = { kind: 'first', user, n: 1, previous: new Uint8Array(32), at: 0, add, remove: [], by } as const
    expect(await mallory.ask('link', 'l', base64(signedLink('', link, seed)))).toContain('done')
    return mallory
  }

  /** The next frame of that kind of answer: `done`, `bundles`, `sent` or `error`. */
  async ask(...frame: Frame): Promise<Frame> {
    const answers = () => this.raw.frames.filter(([kind]) => /^(done|bundles|sent|error)$/.test(kind as string))
    const had = answers().length
    this.raw.say(...frame)
    await expect.poll(() => answers().length, { ...patient, interval: 5 }).toBeGreaterThan(had)
    return answers()[had] as Frame
  }

  /** What the one device of a user has left, `phone`. */
  async claims(user: string): Promise<ServedBundle> {
    const [, , , bytes] = await this.ask('claim', 'c', user, user)
    return bundlesIn(bytesOf(bytes))?.[0] ?? expect.fail('nothing was left')
  }

  /** `once` false: with the signed prekey alone, however often. */
  async pairs(user: string, served: ServedBundle, once = true): Promise<Pairing> {
    const bundle = { ...served, owner: { realm: '', user, device: 'phone' }, ...(!once && { once: undefined }) }
    const me = { realm: '', user: this.user, device: 'phone', identity: this.#identity }
    const pairing = await pair(this.#by, me, checkedBundle(bundle) ?? expect.fail('not signed'))
    return pairing ?? expect.fail('of low order')
  }

  /** What that device reads as `text`, byte for byte. */
  part(pairing: Pairing, text: Uint8Array, chat: string, id: string): { pairing: Pairing; part: DevicePart } {
    const written = write(pairing, text, { chat, id }) ?? expect.fail('cannot write')
    return { pairing: written.pairing, part: { device: 'phone' as DeviceId, ...written.part } }
  }

  /** Answers the pairing as it is then. */
  async says(pairing: Pairing, to: string, text: Uint8Array, quiet = false): Promise<Pairing> {
    const id = newId()
    const { pairing: next, part } = this.part(pairing, text, to, id)
    await this.#sends(id, to, part, quiet)
    return next
  }

  /** What looks as if it were of that pairing, and has another tag. */
  async forges(pairing: Pairing, to: string): Promise<void> {
    const id = newId()
    const { part } = this.part(pairing, payload({ body: 'x' }), to, id)
    const bytes = part.bytes.slice()
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1
    await this.#sends(id, to, { ...part, bytes })
  }

  async #sends(id: string, to: string, part: DevicePart, quiet = false): Promise<void> {
    const body = sentBody({ theirs: 1, mine: 1, parts: [part], own: [], quiet })
    expect((await this.ask('send', id, to, base64(body), false)).slice(0, 2)).toEqual(['sent', id])
  }

  /** A change of a sealed group, whose members are those of `list` before it; `for`: who is to read it. */
  async changes(group: string, change: string, value: string, list: string, reader?: [user: string, at: Pairing]) {
    const id = newId()
    const statement = sharedStatement('', group, id, { user: this.user, device: 'phone' })
    const text = concatBytes(new Uint8Array(saltBytes), payload({ body: value, change, list }))
    const key = keyOf(statement, text)
    const members = reader
      ? [{ user: reader[0] as UserId, n: 1, parts: [this.part(reader[1], keyPayload(key), group, id).part] }]
      : []
    const body = groupBody({ mine: 1, own: [], shared: seal(key, text, statement), members, value })
    expect(await this.ask('send', id, group, base64(body), false, null, change)).toContain('sent')
  }

  /** A message further on in its chain: those before it never come. */
  skips(pairing: Pairing, count: number): Pairing {
    let at = pairing
    for (let n = 0; n < count; n++) at = this.part(at, new Uint8Array(0), '', '').pairing
    return at
  }
}
