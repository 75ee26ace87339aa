/** The chains of users' devices, as they are in the store: followed from there, and gone on with. */
import { bytesToHex } from '@noble/hashes/utils.js'
import type { ErrorCode } from '../../protocol/codes.ts'
import type { UserId } from '../../protocol/ids.ts'
import { type Chain, followed, noLinks, recalled } from '../../protocol/keys/chain.ts'
import { hashOf } from '../../protocol/keys/link.ts'
import type { ClockFace } from '../../runtime/index.ts'
import { Serial } from '../../runtime/serial.ts'
import type { KeyStore } from '../../store/contract.ts'

/** Chains that are remembered: about 1 KB each. */
const remembered = 10_000

/** So long, in milliseconds, a chain may be as it was, where very many are asked for at once: for the members of a group. */
const recentMs = 5_000

type Added = { readonly before: Chain; readonly after: Chain }

export class Chains {
  readonly #store: Pick<KeyStore, 'links' | 'addLink'>
  readonly #realm: string
  /** Those that were asked for last are the last. */
  readonly #known = new Map<UserId, Chain>()
  /** When they were asked for, of those that other nodes may have added to. */
  readonly #askedAt = new WeakMap<Chain, number>()
  readonly #adding = new Serial<UserId>()
  readonly #isAlone: boolean
  readonly #clock: ClockFace

  /** `isAlone`: no other node adds links. */
  constructor(store: Pick<KeyStore, 'links' | 'addLink'>, realm: string, isAlone: boolean, clock: ClockFace) {
    this.#store = store
    this.#realm = realm
    this.#isAlone = isAlone
    this.#clock = clock
  }

  /** As it is now. The store is asked where this node knows none, or another may have added to it: else a device that was removed there is sealed for here. */
  async of(user: UserId): Promise<Chain> {
    return (this.#isAlone && this.#known.get(user)) || this.fresh(user)
  }

  /** As it is now, or was a moment ago. */
  async recent(user: UserId): Promise<Chain> {
    const known = this.#known.get(user)
    const at = known && this.#askedAt.get(known)
    return known && at !== undefined && this.#clock.monotonic() - at < recentMs ? known : this.of(user)
  }

  /** With what other nodes have added. Where the last link that is known is not there any more, the user was erased, and may have begun anew. */
  async fresh(user: UserId): Promise<Chain> {
    const known = this.#known.get(user)
    let chain = known ?? noLinks(this.#realm, user)
    let links = await this.#store.links(user, Math.max(1, chain.n))
    if (known) {
      const [last, ...later] = links
      if (!last || bytesToHex(hashOf(last)) !== bytesToHex(known.hash)) {
        this.#known.delete(user)
        return this.fresh(user)
      }
      links = later
    }
    for (const link of links) {
      const next = recalled(chain, link)
      if (typeof next === 'string') throw new Error(`link ${chain.n + 1} of ${user} in the store is ${next}`)
      chain = next
    }
    return this.#note(user, chain)
  }

  #note(user: UserId, chain: Chain): Chain {
    const known = this.#known.get(user)
    const newest = known && known.n > chain.n ? known : chain
    this.#known.delete(user)
    if (newest.n > 0) this.#known.set(user, newest)
    this.#askedAt.set(newest, this.#clock.monotonic())
    const [oldest] = this.#known.keys()
    if (this.#known.size > remembered && oldest !== undefined) this.#known.delete(oldest)
    return newest
  }

  /**
   * Adds a link, where `refuse` does not say why not. One that is there already, as its answer was lost, is done again: then nothing has
   * changed. A link that is no link costs one look at its signatures.
   */
  add(
    user: UserId,
    link: Uint8Array,
    refuse: (added: Added) => Promise<ErrorCode | undefined>,
  ): Promise<Added | ErrorCode> {
    return this.#adding.run(user, async () => {
      const before = await this.fresh(user)
      const after = followed(before, link)
      if (after === 'stale') return (await this.#isLast(user, before, link)) ? { before, after: before } : 'stale_links'
      if (typeof after === 'string') return after === 'fork' ? 'stale_links' : 'bad_keys'
      const code = await refuse({ before, after })
      if (code) return code
      if (!(await this.#store.addLink(user, after.n, link))) return 'stale_links'
      this.#note(user, after)
      return { before, after }
    })
  }

  async #isLast(user: UserId, { n }: Chain, link: Uint8Array): Promise<boolean> {
    if (n === 0) return false
    const [last] = await this.#store.links(user, n)
    return last !== undefined && last.length === link.length && last.every((byte, at) => byte === link[at])
  }
}
