/** What the two halves, sealing.ts and opening.ts, have in common: what this device knows, one change of it at a time, and each durable where it must be. */
import { randomBytes } from '@noble/hashes/utils.js'
import type { MediaRef } from '../../protocol/ids.ts'
import type { HttpLink } from '../http-link.ts'
import type { Storage } from '../storage.ts'
import type { Groups } from './groups.ts'
import { Own } from './own.ts'
import type { Me } from './pairing.ts'
import type { Pairings } from './pairings.ts'
import { type Changes, type Opened, Peers, peerOf } from './peers.ts'
import { type Pin, Pins } from './pins.ts'
import type { Primitives } from './primitives.ts'
import { Refusals } from './refusals.ts'
import { Repairs } from './repairs.ts'
import type { Roster, Step } from './roster.ts'
import type { Change, E2eeOptions, GroupChange, UserIdentity } from './types.ts'
import { Vault } from './vault.ts'
import { platformPrimitives } from './webcrypto.ts'

/** What a send was sealed as: a repeat is the same bytes, as long as no device has come or gone. */
export type SealedSend = {
  readonly to: string
  /** By user: how many links of their chain were known. */
  readonly ns: Readonly<Record<string, number>>
  readonly stamp: string
  readonly body: Uint8Array
  /** What it carries, as the server is told. `isLong`: that is its body. */
  readonly media?: MediaRef | undefined
  readonly isLong?: boolean
  /** Of a change of a group. */
  readonly step?: Omit<Step, 'at'> & { readonly list: string }
}
export type InGroups = typeof import('./in-groups.ts')
/** What not everybody needs, and where it comes from when it is needed. */
export type Later = {
  /** For sealed groups. */
  readonly groups: () => Promise<InGroups>
  /** What a person does about keys: compares them, lets devices in, and shuts them out. */
  readonly linking: () => Promise<typeof import('./in-linking.ts')>
  /** For media, and bodies that are too long for a message. */
  readonly media: () => Promise<typeof import('./in-media.ts')>
  /** For what could not be read, here or by another device. */
  readonly repairs: () => Promise<typeof import('./in-repairs.ts')>
  /** Where the platform has no X25519. */
  readonly plain: () => Promise<Primitives>
}

const dayMs = 86_400_000
const resendDays = 7

type Kept = readonly (readonly [key: string, value: unknown])[]

export class Engine {
  readonly own = new Own()
  readonly peers = new Peers()
  readonly repairs = new Repairs()
  readonly refusals = new Refusals()
  /** Since `withGroups` was called for the first time. */
  groups: Groups | undefined
  readonly pins: Pins
  readonly vault: Vault
  readonly realm: string
  /** So long what was sent may be asked for again. */
  readonly resendMs: number
  /** By peer: the pairing that was begun last for a repair (sealing.ts). */
  readonly begun = new Map<string, { readonly ephemeral: string; readonly at: number }>()
  /** What was known of a user when it was shown to the person. */
  readonly shown = new WeakMap<UserIdentity, Pin>()
  /** Under way, by message id. */
  readonly sealed = new Map<string, SealedSend>()
  /** Of the last welcome. */
  user = ''
  device = ''
  epoch = 0
  #primitives: Promise<Primitives> | undefined
  readonly later: Later
  readonly http: HttpLink
  readonly #tellGroup: (event: GroupChange) => void
  readonly #keptGroups = new Map<string, Roster>()
  #inGroups: Promise<InGroups> | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(
    { realm = '', resend }: E2eeOptions,
    storage: Storage,
    tell: (user: string, why: Change) => void,
    tellGroup: (event: GroupChange) => void,
    later: Later,
    http: HttpLink,
  ) {
    this.realm = realm
    this.#tellGroup = tellGroup
    this.later = later
    this.http = http
    this.primitives().catch(() => {})
    this.resendMs = (resend?.days ?? resendDays) * dayMs
    const { own } = this
    const trust = {
      proves: (of: string, links: readonly Uint8Array[]) => (of === this.user ? own.proves(links) : true),
      isMine: (identity: Uint8Array) => own.is(identity),
      left: (user: string, identities: readonly Uint8Array[]) => {
        for (const identity of identities) this.#keep(this.peers.left(peerOf({ user, identity })))
      },
    }
    this.pins = new Pins(realm, () => this.vault, trust, tell)
    this.vault = new Vault(
      storage,
      (kept) => this.#load(kept),
      (changes) => {
        const cursor = changes.get('cursor') as { epoch: number; seq: number } | undefined
        if (cursor) this.#passed(cursor)
        this.vault.set(this.repairs.over())
      },
    )
  }

  get me(): Me {
    const { realm, user, device } = this
    return { realm, user, device, identity: this.own.identity }
  }

  get hasGroups(): boolean {
    return this.groups !== undefined || this.#keptGroups.size > 0
  }

  /** What groups need, once it is loaded. Where it cannot be, it is tried again with the next call. */
  withGroups(): Promise<InGroups> {
    this.#inGroups ??= this.later.groups().then(
      (found) => {
        this.groups = new found.Groups(this.realm, this.#keptGroups, this.#tellGroup)
        return found
      },
      (error) => {
        this.#inGroups = undefined
        throw error
      },
    )
    return this.#inGroups
  }

  random(length: number): Uint8Array {
    return randomBytes(length)
  }

  /** Where they cannot be loaded, that is tried again with the next call. */
  primitives(): Promise<Primitives> {
    this.#primitives ??= platformPrimitives(this.later.plain).catch((error) => {
      this.#primitives = undefined
      throw error
    })
    return this.#primitives
  }

  /** What changes pairings or prekeys: one after another, and without anything of the network in it. */
  alone<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task, task)
    this.#last = result.catch(() => {})
    return result
  }

  /** All of it is set in one step, after whatever had to be awaited: a write has all of it, or none. */
  changed(pairings: ReadonlyMap<string, Pairings>, more: Kept = [], opened?: Opened): void {
    const { set, after } = this.peers.changed(pairings, opened)
    this.#keep({ set: [...set, ...more], after })
  }

  keepSealed(id: string, sealed: SealedSend | undefined): Kept {
    if (sealed) this.sealed.set(id, sealed)
    else this.sealed.delete(id)
    return [[`sealed:${id}`, sealed]]
  }

  /** What was handed out is not wanted any more. */
  #passed(cursor: { readonly epoch: number; readonly seq: number }): void {
    const { names, ...changes } = this.peers.passed(cursor)
    this.#keep({ ...changes, set: [...changes.set, ...names.flatMap((name) => this.repairs.want(name, undefined))] })
  }

  #keep({ set, after }: Changes): void {
    if (set.length > 0) this.vault.set(set, after)
  }

  #load(kept: ReadonlyMap<string, unknown>): void {
    for (const [whole, value] of kept) {
      const [, key = '', kind = '', name = ''] = /^e2ee:((\w+):?(.*))$/s.exec(whole) ?? []
      this.own.load(kind, name, value)
      this.repairs.load(kind, name, value)
      if (kind === 'group') this.#keptGroups.set(name, value as Roster)
      if (kind === 'chain') this.pins.load(name, value as Parameters<Pins['load']>[1])
      if (kind === 'sealed') this.sealed.set(name, value as SealedSend)
      // A message that is over, of which a crash kept this from being written.
      const isOver = kind === 'sealed' && !kept.has(`out:${name}`)
      if (this.peers.load(kind, name, value) || isOver) this.vault.set([[key, undefined]])
    }
  }
}
