/**
 * A node that is in a cluster: its membership, its links and its router put together. It has the actors of its shards, and the sessions of its
 * sockets; what the one has to say to the other goes over links where they are not here.
 */
import { toGroup } from '../../actors/addresses.ts'
import type { Accepted } from '../../actors/log/types.ts'
import type { SessionRef } from '../../actors/user/types.ts'
import { awaitAlone } from '../cluster/alone.ts'
import { spoken } from '../cluster/link/greeting.ts'
import type { Link } from '../cluster/link/link.ts'
import { Links, type LinkUser } from '../cluster/link/links.ts'
import { type Place, takePlace } from '../cluster/place.ts'
import { type RunningMember, startMember } from '../cluster/running.ts'
import type { HostWish, MemberState, Standing } from '../cluster/types.ts'
import type { ClusterOptions } from '../embed/cluster.ts'
import type { OnFault } from '../embed/faults.ts'
import type { Notes } from '../hosts/groups/notes.ts'
import type { Sessions } from '../hosts/sessions/sessions.ts'
import { type SpellOf, still } from '../hosts/spells.ts'
import type { Millis, UserId } from '../protocol/ids.ts'
import { type Asks, type Clock, type Router, type Runtime, shardOf } from '../runtime/index.ts'
import type { MemberRow, Store } from '../store/contract.ts'
import type { StoreError } from '../store/error.ts'
import { Everywhere } from './everywhere.ts'
import { FarSessions } from './far.ts'
import { kinds } from './frames.ts'
import { type KnownCluster, knownCluster } from './known.ts'
import { Proxies } from './proxies.ts'
import { Forwarding } from './router.ts'
import { type SharedStore, Spells } from './spells.ts'
import { Taking } from './taking.ts'
import { fenced, otherHooks, refusal } from './words.ts'

type Given = {
  readonly store: Store
  readonly clock: Clock
  /** The term of this start. */
  readonly life: number
  readonly onFault: OnFault
  /** It has been marked dead: the node is to end. */
  readonly broke: (error: StoreError) => void
  /** What it tells a service; '': it tells none. */
  readonly webhooks: string
}

type Parts = {
  readonly runtime: Runtime
  readonly sessions: Sessions
  readonly notes: Notes
  /** A user was banned on another node, or let in again. */
  readonly banned: (user: UserId, banned: boolean) => void
  /** Goes on with the erasures of users who are here. */
  readonly erasures: () => Promise<void>
  /** A shard is this node's. */
  readonly taken: (shard: number) => void
}

/** What a shard's actors have under way is made durable within that; what is not goes as by a crash. */
const releaseMs = 5_000
/** Between looks at who is a member, and whom to have links with. */
const keepMs = 500
/** Somebody may be between two lives of a node for so long: until then a node that joins waits for shards that nobody has. */
const joinMs = 30_000
const lookMs = 50
/** To be taken off the list of members takes two writes. */
const leftMs = 5_000

export class Cluster {
  readonly shards: number
  readonly numbers: { last: SessionRef } = { last: 0 }
  readonly #given: Given
  readonly #store: SharedStore
  readonly #options: ClusterOptions
  readonly #place: Place | undefined
  readonly #links: Links
  readonly #proxies = new Proxies(this.numbers)
  readonly #spells: Spells
  readonly #taking: Taking
  #forwarding: Forwarding | undefined
  #parts: Parts | undefined
  #member: RunningMember | undefined
  #stopKeeping = () => {}
  #view = -1
  #heard: (wish: HostWish) => void = () => {}

  /** Rejects in a sentence that says what to do. */
  static async open(options: ClusterOptions, given: Given): Promise<Cluster> {
    const { cluster, under } = given.store
    if (!cluster || !under) throw new RangeError('cluster needs a store that nodes can share: cassandraStore(options)')
    const store = given.store as SharedStore
    await awaitAlone(cluster, given.clock)
    const shards = await cluster.makeShards(options.shards ?? 1_024)
    if (options.shards !== undefined && options.shards !== shards)
      throw new RangeError(`The keyspace has ${shards} shards, for good: set cluster.shards to that, or leave it out.`)
    const place = options.folder === undefined ? undefined : takePlace(options.folder, options.name)
    return new Cluster(options, given, store, shards, place)
  }

  private constructor(
    options: ClusterOptions,
    given: Given,
    store: SharedStore,
    shards: number,
    place: Place | undefined,
  ) {
    this.#options = options
    this.#given = given
    this.#store = store
    this.#place = place
    this.shards = shards
    this.#spells = new Spells(
      store,
      (id) => this.#shardOf(id),
      () => this.#member,
    )
    this.#taking = new Taking({
      store,
      after: (ms, run) => given.clock.after(ms, run),
      notes: () => this.#parts?.notes,
      erasures: async () => this.#parts?.erasures(),
      shardHere: (group) => (this.#forwarding?.isHere(group) ? this.#shardOf(group) : undefined),
      tell: (group, message) => this.#forwarding?.tell(toGroup(group), message),
    })
    const { name, link = {}, secret, tls } = options
    const { host = '127.0.0.1', port = 0 } = link
    const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : (secret ?? null)
    const { clock, life } = given
    this.#links = new Links(
      { clock, name, life, cluster: 'bluetick', shards, host, port, secret: bytes, tls: tls ?? null },
      this.#linkUser(),
    )
  }

  get standing(): Standing {
    return this.#member?.state.standing ?? 'joining'
  }

  get #state(): MemberState {
    if (!this.#member) throw new Error('The node has not joined its cluster.')
    return this.#member.state
  }

  /** For those who run the node. */
  known(): KnownCluster {
    return knownCluster(this.#state, this.#links, this.#proxies.size)
  }

  /** The spell in which this node has an actor. */
  readonly spellOf: SpellOf = (id) => this.#spells.of(id)

  #shardOf(id: string): number {
    return shardOf(id, this.shards)
  }

  /** Whether an actor is here. */
  isHere(id: string): boolean {
    return this.#member?.state.spells.has(this.#shardOf(id)) ?? false
  }

  /** The name of the node that has an actor; undefined: none, as far as is known. */
  readonly homeOf = (id: string): string | undefined => {
    const { members, shards } = this.#state
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
      state: () => this.#state,
      links: () => this.#links,
      sessions: () => (this.#parts as Parts).sessions,
      proxies: this.#proxies,
      still: async (id) => still(this.spellOf(id)),
      learn: (rows) => this.#member?.tell({ is: 'heard', rows }),
    })
    return this.#forwarding
  }

  /** What actors here do with sessions. */
  sessions(own: Sessions): FarSessions {
    return new FarSessions(own, this.#proxies, (user) => this.#state.spells.has(this.#shardOf(user)))
  }

  /** A session of a user of this node has ended, and its actors were told so. */
  readonly ended = (ref: SessionRef): void => {
    for (const link of this.#links.open) link.tell([kinds.ended, ref])
  }

  /** Resolves when this node is a member, and each shard is somebody's. Rejects with why it cannot be one. */
  async join(parts: Parts, far: FarSessions): Promise<void> {
    const { clock, life } = this.#given
    const { name, link = {}, leaseMs } = this.#options
    this.#parts = parts
    this.#far = far
    const port = await this.#links.listen()
    this.#place?.note(life)
    const address = link.address ?? `${hostOf(link.host ?? '127.0.0.1')}:${port}`
    const dc = this.#store.datacenter ?? ''
    const me: MemberRow = { life, name, state: 'up', dc, link: address, proto: spoken[1] }
    const former = this.#place?.former
    await new Promise<void>((resolve, reject) => {
      this.#heard = (wish) => {
        if (wish.do === 'become' && wish.standing === 'up') resolve()
        if (wish.do === 'refused') reject(refusal(wish, name))
        if (wish.do === 'fenced') reject(fenced(name))
      }
      this.#member = startMember({
        store: this.#store.cluster,
        clock,
        me,
        former: former ? { ended: former } : null,
        ...(leaseMs !== undefined && { leaseMs }),
        host: (wish, member) => this.#host(wish, member),
      })
      this.#stopKeeping = clock.every(keepMs, () => this.#keep())
    })
    this.#heard = () => {}
    await awaitAlone(this.#store.cluster, clock)
    await this.#until(joinMs, () => this.#isOwned())
  }

  #isOwned(): boolean {
    const { shards } = this.#state
    if (shards.size < this.shards) return false
    for (const { owner } of shards.values()) if (owner === 0) return false
    return true
  }

  async #until(mostMs: Millis, isSo: () => boolean): Promise<void> {
    const { clock } = this.#given
    const end = clock.monotonic() + mostMs
    while (!isSo() && clock.monotonic() < end) await new Promise<void>((resolve) => clock.after(lookMs, resolve))
  }

  #far: FarSessions | undefined

  #host(wish: HostWish, member: RunningMember): void {
    this.#heard(wish)
    switch (wish.do) {
      case 'take':
        this.#parts?.taken(wish.shard)
        return this.#taking.take(wish.shard)
      case 'yield':
        return this.#yield(wish.shard, wish.term, member)
      case 'drop':
        this.#spells.drop(wish.shard)
        return this.#parts?.runtime.drop(wish.shard)
      case 'learned':
        return this.#forwarding?.learned(wish.shard)
      case 'tell': {
        const rows = wish.rows.flatMap(({ shard, owner, term }) => [shard, owner, term])
        for (const link of this.#links.open) link.tell([kinds.moved, ...rows])
        return
      }
      case 'become':
        return this.#keep()
      case 'away':
        return this.#parts?.sessions.closeAll('unavailable')
      case 'fenced':
        return this.#given.broke(fenced(this.#options.name))
      case 'refused':
      case 'emptied':
      case 'left':
      case 'heed':
        return
    }
  }

  #keep(): void {
    if (!this.#member || this.#member.state.view === this.#view) return
    this.#view = this.#member.state.view
    const { members, me } = this.#member.state
    this.#links.keep([...members.values()].filter(({ life }) => life !== me.life))
  }

  #yield(shard: number, term: number, member: RunningMember): void {
    this.#forwarding?.pause(shard)
    this.#parts?.runtime.release(shard, releaseMs).then(() => member.tell({ is: 'yielded', shard, term }))
  }

  #linkUser(): LinkUser {
    return {
      beat: () => [this.#member?.valid() ?? false],
      isDead: (life) => this.#member?.state.dead.has(life) ?? false,
      opened: (link) => {
        link.tell([kinds.webhooks, this.#given.webhooks])
        this.#forwarding?.opened(link)
      },
      heard: (link, frame) => this.#hear(link, frame),
      beaten: (_, [valid]) => this.#member?.tell({ is: 'beat', valid: valid === true }),
      lost: (link) => {
        this.#forwarding?.lost(link)
        this.#member?.tell({ is: 'silent' })
      },
      warned: (text) => this.#warn(text),
    }
  }

  #warn(text: string): void {
    this.#given.onFault({ where: 'cluster', error: new Error(text) })
  }

  #hear(link: Link, frame: readonly [kind: number, ...fields: readonly unknown[]]): void {
    const [kind, first, second, third, fourth] = frame
    const { sessions, banned } = this.#parts as Parts
    switch (kind) {
      case kinds.push:
        return sessions.push(first as SessionRef, second as never)
      case kinds.hint:
        return sessions.hint(first as SessionRef, second as never)
      case kinds.session:
        return this.#far?.heed(first as SessionRef, second as string, third)
      case kinds.disconnect: {
        const count = sessions.disconnect(second as UserId, (third ?? undefined) as never, fourth as never)
        return link.tell([kinds.reply, first, count])
      }
      case kinds.devices:
        return link.tell([kinds.reply, first, sessions.devicesOf(second as UserId)])
      case kinds.ban:
        banned(first as UserId, second as boolean)
        return link.tell([kinds.reply, third, true])
      case kinds.webhooks: {
        const other = otherHooks(this.#given.webhooks, first as string, link.peer?.name ?? 'a node')
        return other === undefined ? undefined : this.#warn(other)
      }
      default:
        return this.#forwarding?.heard(link, frame)
    }
  }

  /** What operators do with the sessions of a user, on whatever nodes. */
  everywhere(own: Sessions): Everywhere {
    return new Everywhere({
      own,
      life: this.#given.life,
      store: this.#store.cluster,
      links: this.#links,
      question: (link, frameOf) => this.#forwarding?.question(link, frameOf),
    })
  }

  /** Gives all shards to others; resolves when none is left to give. */
  async leave(): Promise<void> {
    const member = this.#member
    if (!member || this.standing === 'fenced' || this.standing === 'refused') return
    const emptied = new Promise<void>((resolve) => {
      this.#heard = (wish) => wish.do === 'emptied' && resolve()
    })
    member.tell({ is: 'leave' })
    await emptied
  }

  /** The sessions have gone, and nothing is under way: it is no member any more. */
  async close(): Promise<void> {
    const member = this.#member
    if (member && this.standing === 'leaving') {
      let isLeft = false
      this.#heard = (wish) => {
        isLeft ||= wish.do === 'left'
      }
      member.tell({ is: 'closed' })
      await this.#until(leftMs, () => isLeft)
    }
    this.#stopKeeping()
    member?.stop()
    this.#links.close()
    this.#place?.release()
  }
}

const hostOf = (host: string): string => (host.includes(':') ? `[${host}]` : host)
