/** The chains of users as this device has followed them: each is pinned, and goes on from there or not at all. */
import { bytesToHex } from '@noble/hashes/utils.js'
import type { UserId } from '../../protocol/ids.ts'
import { unframed } from '../../protocol/keys/bytes.ts'
import { type Chain, followed, type Member, noLinks, recalled } from '../../protocol/keys/chain.ts'
import { hashOf, parseLink } from '../../protocol/keys/link.ts'
import type { Line } from './line.ts'
import type { Head } from './payload.ts'
import type { Change } from './types.ts'
import type { Vault } from './vault.ts'

type Kept = {
  readonly links: readonly Uint8Array[]
  /** Up to this link a reset was accepted by the person. */
  readonly accepted: number
  /** The root that the person has compared, in hex; undefined: none. */
  readonly verified?: string | undefined
  readonly forked?: boolean | undefined
}
export type Pin = Kept & { readonly chain: Chain }

export class Pins {
  readonly #realm: string
  readonly #vault: () => Vault
  readonly #tell: (user: string, why: Change) => void
  readonly #pins = new Map<string, Pin>()
  /** Users whose links are to be asked for before the next message is sealed for them. */
  readonly #stale = new Set<string>()

  constructor(realm: string, vault: () => Vault, tell: (user: string, why: Change) => void) {
    this.#realm = realm
    this.#vault = vault
    this.#tell = tell
  }

  load(user: string, kept: Kept): void {
    let chain = noLinks(this.#realm, user)
    for (const link of kept.links) {
      const next = recalled(chain, link)
      if (typeof next !== 'string') chain = next
    }
    this.#pins.set(user, { ...kept, chain })
  }

  of(user: string): Pin | undefined {
    return this.#pins.get(user)
  }

  #pinOf(user: string): Pin {
    return this.#pins.get(user) ?? { links: [], accepted: 0, chain: noLinks(this.#realm, user) }
  }

  /** The server says that there is more. */
  doubt(...users: readonly string[]): void {
    for (const user of users) this.#stale.add(user)
  }

  /** Where nothing is known of a user, or something may be missing, the server is asked. */
  async known(line: Line, user: string): Promise<Pin> {
    const pin = this.#pins.get(user)
    return pin && pin.chain.n > 0 && !this.#stale.has(user) ? pin : this.fresh(line, user)
  }

  async fresh(line: Line, user: string): Promise<Pin> {
    for (;;) {
      const pin = this.#pinOf(user)
      const answer = await line.ask(['chain', user as UserId, pin.chain.n + 1])
      if (answer[0] !== 'links') return pin
      const [, , from, n, bytes] = answer
      const links = unframed(bytes) ?? []
      const next = from === pin.chain.n + 1 ? this.#followed(user, pin, links) : pin
      // A server that has fewer was put back, or withholds some: what is pinned stays.
      if (next === pin || next.forked || next.chain.n >= n) {
        this.#stale.delete(user)
        return next
      }
    }
  }

  /** With those that follow. The first that does not ends it: of another chain, it is a fork. */
  #followed(user: string, pin: Pin, links: readonly Uint8Array[]): Pin {
    let next = pin
    let why: Change | undefined
    for (const link of links) {
      const chain = followed(next.chain, link)
      if (typeof chain === 'string') {
        if (chain === 'fork') return this.fork(user)
        break
      }
      const isReset = parseLink(link)?.kind === 'reset'
      if (isReset) why = 'reset'
      else if (next.chain.n > 0) why ??= rootOf(chain) === rootOf(next.chain) ? 'device' : 'rotation'
      next = {
        ...next,
        chain,
        links: [...next.links, link],
        accepted: isReset ? next.accepted : acceptedOf(next, chain),
      }
    }
    if (next === pin) return pin
    this.keep(user, next)
    if (why) this.#tell(user, why)
    return next
  }

  /** Somebody has shown two chains: that stays, and nothing is sent to that user. */
  fork(user: string): Pin {
    const pin = this.#pinOf(user)
    if (pin.forked) return pin
    const forked = { ...pin, forked: true }
    this.keep(user, forked)
    this.#tell(user, 'fork')
    return forked
  }

  /** What somebody else has followed of a chain. Answers whether the server is to be asked for more. */
  compare(user: string, { n, hash }: Head): boolean {
    const pin = this.#pins.get(user)
    if (!pin || n === 0) return false
    const link = pin.links[n - 1]
    if (link && bytesToHex(hashOf(link)) !== bytesToHex(hash)) this.fork(user)
    return n > pin.chain.n
  }

  keep(user: string, pin: Pin): void {
    this.#pins.set(user, pin)
    const { chain: _, ...kept } = pin
    this.#vault().set([[`chain:${user}`, kept]])
  }
}

export const headOf = ({ n, hash }: Chain): Head => ({ n, hash })
export const rootOf = ({ members }: Chain): string => bytesToHex(members[0]?.identity ?? new Uint8Array(0))

/** Whether nothing is to be sealed for that user before the person has said so. */
export const waits = ({ accepted, chain, forked }: Pin): boolean => forked === true || accepted < chain.n

export const memberNamed = (chain: Chain, device: string): Member | undefined =>
  chain.members.find((member) => member.device === device)

/** What follows a reset that nobody has accepted waits with it. */
const acceptedOf = ({ accepted, chain }: Pin, next: Chain): number => (accepted === chain.n ? next.n : accepted)
