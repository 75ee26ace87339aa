/** The chains of users as this device has followed them: each is pinned, and goes on from there or not at all. */
import { bytesToHex } from '@noble/hashes/utils.js'
import { isUserId } from '../../protocol/ids.ts'
import { unframed } from '../../protocol/keys/bytes.ts'
import { type Chain, followed, type Member, noLinks, recalled } from '../../protocol/keys/chain.ts'
import { hashOf, parseLink } from '../../protocol/keys/link.ts'
import type { Line } from './line.ts'
import type { Head } from './payload.ts'
import { Serial } from './serial.ts'
import type { Change } from './types.ts'
import type { Vault } from './vault.ts'

type Kept = {
  readonly links: readonly Uint8Array[]
  /** Up to this link a reset was accepted by the person. */
  readonly accepted: number
  /** The root that the person has compared, in hex; undefined: none. */
  readonly verified?: string | undefined
  readonly forked?: boolean | undefined
  /** So many links there are, as one of that user's devices has said. */
  readonly told?: number | undefined
}
export type Pin = Kept & { readonly chain: Chain }

/** What the server shows after what is pinned. */
type Shown = { readonly chain: Chain; readonly links: readonly Uint8Array[]; readonly isFork: boolean }

/** What is believed of a chain that nothing is pinned of. */
type Trust = {
  /** Of the user of this device: whether this is the chain that the device is in; undefined: it is in none yet. Of others true. */
  proves(user: string, links: readonly Uint8Array[]): boolean | undefined
  /** Whether it is the identity of this device: nobody is told of what it did itself. */
  isMine(identity: Uint8Array): boolean
  /** These are in the chain of a user no more, and never again. */
  left(user: string, identities: readonly Uint8Array[]): void
}

export class Pins {
  readonly #realm: string
  readonly #vault: () => Vault
  readonly #proves: Trust['proves']
  readonly #isMine: Trust['isMine']
  readonly #left: Trust['left']
  readonly #tell: (user: string, why: Change) => void
  readonly #asking = new Serial()
  readonly #pins = new Map<string, Pin>()
  /** Users whose links are to be asked for before the next message is sealed for them. */
  readonly #stale = new Set<string>()
  /** Users of whom it was told that the server shows fewer links than there are; and that somebody says others. */
  readonly #withheld = new Set<string>()
  readonly #differs = new Set<string>()

  constructor(realm: string, vault: () => Vault, trust: Trust, tell: (user: string, why: Change) => void) {
    this.#realm = realm
    this.#vault = vault
    this.#proves = trust.proves
    this.#isMine = trust.isMine
    this.#left = trust.left
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
    return pin && pin.chain.n > 0 && !this.#stale.has(user) && !isBehind(pin) ? pin : this.fresh(line, user)
  }

  /** With what the server has of it now. */
  async fresh(line: Line, user: string): Promise<Pin> {
    return (await this.#asking.run(user, () => this.#ask(line, user))).pin
  }

  /**
   * As the server shows it, also where nothing of it is trusted: the chain of this device's own user, before the device is in it. `missing`:
   * pinned links that the server does not have, as it was put back to an earlier moment.
   */
  async shown(line: Line, user: string): Promise<{ readonly chain: Chain; readonly missing: readonly Uint8Array[] }> {
    const { pin, shown, has } = await this.#asking.run(user, () => this.#ask(line, user))
    return { chain: shown, missing: pin.links.slice(has) }
  }

  async #ask(line: Line, user: string): Promise<{ pin: Pin; shown: Chain; has: number }> {
    this.#stale.delete(user)
    const kept = this.#pinOf(user)
    let shown: Shown = { chain: kept.chain, links: [], isFork: false }
    let has = Number.POSITIVE_INFINITY
    // The list of a group may have any names.
    while (isUserId(user, line.idLength)) {
      const answer = await line.ask(['chain', user, shown.chain.n + 1]).catch((error) => {
        this.doubt(user)
        throw error
      })
      if (answer[0] !== 'links') break
      const [, , from, n, bytes] = answer
      const before = shown
      has = n
      if (from === shown.chain.n + 1) shown = follow(shown, unframed(bytes) ?? [])
      // A server that has fewer was put back, or withholds some: what is pinned stays.
      if (shown.chain === before.chain || shown.isFork || shown.chain.n >= n) break
    }
    const pin = shown.isFork ? this.fork(user) : this.#take(user, shown)
    const isWithheld = isBehind(kept) && isBehind(pin)
    if (isWithheld && !this.#withheld.has(user)) this.#tell(user, 'withheld')
    this.#withheld[isWithheld ? 'add' : 'delete'](user)
    return { pin, shown: shown.chain, has }
  }

  /** Pins what follows from what is pinned; it was not changed meanwhile, but for what the person has said of it. */
  #take(user: string, { chain, links }: Shown): Pin {
    const pin = this.#pinOf(user)
    if (links.length === 0) return pin
    const isFirst = pin.chain.n === 0
    const proven = isFirst ? this.#proves(user, links) : true
    if (proven === false) this.#tell(user, 'fork')
    if (!proven) return pin
    const others = links.map(parseLink).filter((link) => link && !this.#isMine(link.by))
    const isReset = others.some((link) => link?.kind === 'reset')
    const follows = isFirst || (!isReset && pin.accepted === pin.chain.n)
    const next = { ...pin, chain, links: [...pin.links, ...links], accepted: follows ? chain.n : pin.accepted }
    this.keep(user, next)
    const gone = pin.chain.members.filter(({ identity }) => chain.left.has(bytesToHex(identity)))
    this.#left(
      user,
      gone.map(({ identity }) => identity),
    )
    if (isFirst || others.length === 0) return next
    if (isReset) this.#tell(user, 'reset')
    else this.#tell(user, rootOf(chain) === rootOf(pin.chain) ? 'device' : 'rotation')
    return next
  }

  /** Another identity of this device has to find its chain anew. */
  forget(user: string): void {
    this.#pins.delete(user)
    this.#vault().set([[`chain:${user}`, undefined]])
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

  /**
   * What somebody else has followed of a chain: where it is more, or another, the server is asked. `isOwn`: one of its user's devices has
   * said so, which knows. What others say of it proves nothing, and nothing of that is kept: the link of a fork would be signed. `isMine`: nor
   * does what another device says of the chain that this one is in itself.
   */
  compare(user: string, { n, hash }: Head, isOwn: boolean, isMine = false): void {
    const pin = this.#pins.get(user)
    if (!pin || n === 0) return
    const isOther = this.differs(user, { n, hash })
    const isMore = n > pin.chain.n
    if (isOther || isMore) this.doubt(user)
    if (isOther && isOwn && !isMine) this.fork(user)
    if (isMore && isOwn) this.keep(user, { ...pin, told: Math.max(n, pin.told ?? 0) })
    if (!isOther || (isOwn && !isMine) || this.#differs.has(user)) return
    this.#differs.add(user)
    this.#tell(user, 'differs')
  }

  /** Whether a head cannot be of the chain that is pinned. */
  differs(user: string, { n, hash }: Head): boolean {
    const link = this.#pins.get(user)?.links[n - 1]
    return link !== undefined && !bytesToHex(hashOf(link)).startsWith(bytesToHex(hash))
  }

  keep(user: string, pin: Pin): void {
    this.#pins.set(user, pin)
    const { chain: _, ...kept } = pin
    this.#vault().set([[`chain:${user}`, kept]])
  }
}

export const headOf = ({ n, hash }: Chain): Head => ({ n, hash })
export const rootOf = ({ members }: Chain): string => bytesToHex(members[0]?.identity ?? new Uint8Array(0))

/** Whether there are links that the server does not show: one of them may shut a device out. */
export const isBehind = ({ told = 0, chain }: Pin): boolean => told > chain.n

/** Whether nothing is to be sealed for that user before the person has said so. */
export const waits = (pin: Pin): boolean => pin.forked === true || pin.accepted < pin.chain.n || isBehind(pin)

export const memberNamed = (chain: Chain, device: string): Member | undefined =>
  chain.members.find((member) => member.device === device)

/** With those that follow. The first that does not ends it: of another chain, it is a fork. */
function follow(shown: Shown, links: readonly Uint8Array[]): Shown {
  const taken: Uint8Array[] = [...shown.links]
  let { chain } = shown
  for (const link of links) {
    const next = followed(chain, link)
    if (typeof next === 'string') return { chain, links: taken, isFork: next === 'fork' }
    chain = next
    taken.push(link)
  }
  return { chain, links: taken, isFork: false }
}
