/**
 * A node that is in a cluster: its membership, its links and its router put together. It has the actors of its shards, and the sessions of its
 * sockets; what the one has to say to the other goes over links where they are not here.
 */
import type { Accepted } from '../../actors/log/types.ts'
import type { SessionRef } from '../../actors/session/ref.ts'
import type { Links, LinkUser } from '../cluster/link/links.ts'
import type { HostWish, Standing } from '../cluster/types.ts'
import type { ClusterOptions } from '../embed/cluster.ts'
import type { Notes } from '../hosts/groups/notes.ts'
import { onlineAmong } from '../hosts/sessions/online.ts'
import type { Sessions } from '../hosts/sessions/sessions.ts'
import { type SpellOf, still } from '../hosts/spells.ts'
import type { UserId } from '../protocol/ids.ts'
import { type Asks, Durations, type Router, type Runtime, shardOf } from '../runtime/index.ts'
import { Everywhere } from './everywhere.ts'
import { FarSessions } from './far.ts'
import { kinds } from './frames.ts'
import { hearing, linksOf } from './hearing.ts'
import { type Given, Joining, type Prepared, prepared } from './joining.ts'
import { type KnownCluster, knownCluster } from './known.ts'
import { Owned } from './owned.ts'
import { Proxies } from './proxies.ts'
import { Forwarding } from './router.ts'
import type { SharedStore } from './spells.ts'
import { Told } from './told.ts'
import { fenced } from './words.ts'

type Parts = {
  readonly runtime: Runtime
  readonly sessions: Sessions
  readonly notes: Notes
  /** A user was banned on another node, or let in again. */
  readonly banned: (user: UserId, banned: boolean) => void
  /** Whether this node is erasing a user. */
  readonly isErasing: (user: UserId) => boolean
  /** Goes on with the erasures of users who are here. */
  readonly erasures: () => Promise<void>
  /** A shard is this node's. */
  readonly taken: (shard: number) => void
}

export class Cluster {
  readonly shards: number
  readonly numbers: { last: SessionRef } = { last: 0 }
  /** For how long shards were still that this node has given away. */
  readonly stills = new Durations()
  /** The spell in which this node has an actor. */
  readonly spellOf: SpellOf
  readonly #name: string
  readonly #given: Given
  readonly #store: SharedStore
  readonly #links: Links
  readonly #joining: Joining
  readonly #proxies = new Proxies(this.numbers)
  readonly #owned: Owned
  readonly #told: Told
  #forwarding: Forwarding | undefined
  #far: FarSessions | undefined
  #parts: Parts | undefined

  /** Rejects in a sentence that says what to do. */
  static async open(options: ClusterOptions, given: Given): Promise<Cluster> {
    return new Cluster(options, given, await prepared(options, given))
  }

  private constructor(options: ClusterOptions, given: Given, { store, shards, place }: Prepared) {
    const { clock, life } = given
    this.#name = options.name
    this.#given = given
    this.#told = new Told(clock, given.onEvent)
    this.#store = store
    this.shards = shards
    this.#joining = new Joining({
      ...{ options, store, clock, life, shards, place },
      links: () => this.#links,
      host: (wish) => this.#host(wish),
    })
    this.#owned = new Owned({
      ...{ store, clock },
      shardOf: (id) => this.#shardOf(id),
      member: () => this.#joining.member,
      forwarding: () => this.#forwarding,
      runtime: () => this.#parts?.runtime,
      notes: () => this.#parts?.notes,
      erasures: async () => this.#parts?.erasures(),
      taken: (shard) => this.#parts?.taken(shard),
    })
    this.spellOf = this.#owned.spellOf
    this.#links = linksOf(options, { clock, life, shards }, this.#hearing())
  }

  #hearing(): LinkUser {
    return hearing({
      member: () => this.#joining.member,
      forwarding: () => this.#forwarding,
      sessions: () => (this.#parts as Parts).sessions,
      far: () => this.#far,
      banned: (user, banned) => this.#parts?.banned(user, banned),
      isErasing: (user) => this.#parts?.isErasing(user) ?? false,
      webhooks: this.#given.webhooks,
      onFault: this.#given.onFault,
    })
  }

  get standing(): Standing {
    return this.#joining.standing
  }

  /** For those who run the node. */
  known(): KnownCluster {
    return knownCluster(this.#joining.state, this.#links, this.#proxies.size)
  }

  #shardOf(id: string): number {
    return shardOf(id, this.shards)
  }

  /** Whether an actor is here. */
  isHere(id: string): boolean {
    return this.#joining.member?.state.spells.has(this.#shardOf(id)) ?? false
  }

  /** Whether an actor is here, and its shard is not being given to another node. */
  stays(id: string): boolean {
    return this.#joining.member?.state.spells.get(this.#shardOf(id))?.phase === 'owned'
  }

  /** The name of the node that has an actor; undefined: none, as far as is known. */
  readonly homeOf = (id: string): string | undefined => {
    const { members, shards } = this.#joining.state
    return members.get(shards.get(this.#shardOf(id))?.owner ?? 0)?.name
  }

  /** The router of the node, given the one of the actors that are here. */
  route(local: Router<Accepted>, asks: Asks<Accepted>, runtime: Runtime): Forwarding {
    this.#forwarding = new Forwarding({
      clock: this.#given.clock,
      wheel: runtime.wheel,
      local,
      asks,
      shards: this.shards,
      state: () => this.#joining.state,
      links: () => this.#links,
      sessions: () => (this.#parts as Parts).sessions,
      proxies: this.#proxies,
      still: async (id) => still(this.spellOf(id)),
      stills: this.stills,
      learn: (rows) => this.#joining.member?.tell({ is: 'heard', rows }),
    })
    return this.#forwarding
  }

  /** What actors here do with sessions. */
  sessions(own: Sessions): FarSessions {
    this.#far = new FarSessions(own, this.#proxies, (user) => this.#joining.state.spells.has(this.#shardOf(user)))
    return this.#far
  }

  /** A session of a user of this node has ended, and its actors were told so. */
  readonly ended = (ref: SessionRef): void => {
    for (const link of this.#links.open) link.tell([kinds.ended, ref])
  }

  /** What operators ask of sessions, and do with them, on whatever nodes. */
  everywhere(own: Sessions): Everywhere {
    const { life } = this.#given
    return new Everywhere({
      own,
      name: this.#name,
      life,
      online: (page) => onlineAmong(this.#far?.users() ?? [], page),
      others: () => [...this.#joining.state.members.values()].filter((member) => member.life !== life),
      store: this.#store.cluster,
      links: this.#links,
      question: (link, frameOf) => this.#forwarding?.question(link, frameOf),
    })
  }

  /** Resolves when this node is a member, and each shard is somebody's. Rejects with why it cannot be one. */
  async join(parts: Parts): Promise<void> {
    this.#parts = parts
    await this.#joining.join()
  }

  /** Gives all shards to others; resolves when none is left to give. */
  leave(): Promise<void> {
    return this.#joining.leave()
  }

  /** The sessions have gone, and nothing is under way: it is no member any more. */
  close(): Promise<void> {
    return this.#joining.close()
  }

  #host(wish: HostWish): void {
    this.#told.heed(wish, () => this.#joining.member?.state.spells.size ?? 0)
    switch (wish.do) {
      case 'take':
      case 'yield':
      case 'drop':
        return this.#owned.heed(wish)
      case 'learned':
        return this.#forwarding?.learned(wish.shard)
      case 'away':
        return this.#parts?.sessions.closeAll('unavailable')
      case 'fenced':
        return this.#given.broke(fenced(this.#joining.state.me.name))
      case 'tell':
      case 'become':
      case 'refused':
      case 'emptied':
      case 'left':
      case 'heed':
        return
    }
  }
}
