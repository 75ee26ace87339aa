/** How a node becomes a member of its cluster, has links with the others while it is one, and ceases to be one. */
import { awaitAlone } from '../cluster/alone.ts'
import { spoken } from '../cluster/link/greeting.ts'
import type { Links } from '../cluster/link/links.ts'
import { type Place, takePlace } from '../cluster/place.ts'
import { type RunningMember, startMember } from '../cluster/running.ts'
import type { HostWish, MemberState, Standing } from '../cluster/types.ts'
import type { ClusterOptions } from '../embed/cluster.ts'
import type { OnEvent } from '../embed/events.ts'
import type { OnFault } from '../embed/faults.ts'
import type { Millis } from '../protocol/ids.ts'
import type { Clock } from '../runtime/index.ts'
import type { MemberRow, ShardRow, Store } from '../store/contract.ts'
import type { StoreError } from '../store/error.ts'
import { kinds } from './frames.ts'
import { meetMembers } from './meeting.ts'
import type { SharedStore } from './spells.ts'
import { fenced, refusal } from './words.ts'

/** Between looks at who is a member, and whom to have links with. */
const keepMs = 500
/** Somebody may be between two lives of a node for so long: until then a node that joins waits for shards that nobody has. */
const joinMs = 30_000
const lookMs = 50
/** To be taken off the list of members takes two writes. */
const leftMs = 5_000

/** What a node of a cluster is given. */
export type Given = {
  readonly store: Store
  readonly clock: Clock
  /** The term of this start. */
  readonly life: number
  readonly onFault: OnFault
  readonly onEvent: OnEvent
  /** It has been marked dead: the node is to end. */
  readonly broke: (error: StoreError) => void
  /** What it tells a service; '': it tells none. */
  readonly webhooks: string
}

export type Prepared = { readonly store: SharedStore; readonly shards: number; readonly place: Place | undefined }

/** What a node needs before it joins. Rejects in a sentence that says what to do. */
export async function prepared(
  options: ClusterOptions,
  { store, clock }: Pick<Given, 'store' | 'clock'>,
): Promise<Prepared> {
  const { cluster, under } = store
  if (!cluster || !under) throw new RangeError('cluster needs a store that nodes can share: cassandraStore(options)')
  await awaitAlone(cluster, clock)
  const shards = await cluster.makeShards(options.shards ?? 1_024)
  if (options.shards !== undefined && options.shards !== shards)
    throw new RangeError(`The keyspace has ${shards} shards, for good: set cluster.shards to that, or leave it out.`)
  const place = options.folder === undefined ? undefined : takePlace(options.folder, options.name)
  return { store: store as SharedStore, shards, place }
}

type Context = Prepared &
  Pick<Given, 'clock' | 'life'> & {
    readonly options: ClusterOptions
    readonly links: () => Links
    /** What the member wants done besides. */
    readonly host: (wish: HostWish) => void
  }

export class Joining {
  readonly #context: Context
  #member: RunningMember | undefined
  #stopKeeping = () => {}
  #view = -1
  #heard: (wish: HostWish) => void = () => {}

  constructor(context: Context) {
    this.#context = context
  }

  get member(): RunningMember | undefined {
    return this.#member
  }

  get standing(): Standing {
    return this.#member?.state.standing ?? 'joining'
  }

  get state(): MemberState {
    if (!this.#member) throw new Error('The node has not joined its cluster.')
    return this.#member.state
  }

  /** Resolves when this node is a member, and each shard is somebody's. Rejects with why it cannot be one. */
  async join(): Promise<void> {
    const { store, clock, options } = this.#context
    const { name, leaseMs } = options
    const me = await this.#row()
    await meetMembers({ ...{ store: store.cluster, links: this.#context.links(), clock, name }, leaseMs })
    await new Promise<void>((resolve, reject) => {
      this.#heard = (wish) => {
        if (wish.do === 'become' && wish.standing === 'up') resolve()
        if (wish.do === 'refused') reject(refusal(wish, name))
        if (wish.do === 'fenced') reject(fenced(name))
      }
      this.#member = this.#start(me)
      this.#stopKeeping = clock.every(keepMs, () => this.#keep())
    })
    this.#heard = () => {}
    await awaitAlone(store.cluster, clock)
    await this.#until(joinMs, () => this.#isOwned())
  }

  /** As the others are to see it: where they reach it is known as soon as it listens. */
  async #row(): Promise<MemberRow> {
    const { options, store, life, place, links } = this.#context
    const { name, link = {} } = options
    const port = await links().listen()
    place?.note(life)
    const address = link.address ?? `${hostOf(link.host ?? '127.0.0.1')}:${port}`
    return { life, name, state: 'up', dc: store.datacenter ?? '', link: address, proto: spoken[1] }
  }

  #start(me: MemberRow): RunningMember {
    const { options, store, clock, place, host } = this.#context
    const { leaseMs } = options
    const former = place?.former
    return startMember({
      store: store.cluster,
      clock,
      me,
      former: former ? { ended: former } : null,
      ...(leaseMs !== undefined && { leaseMs }),
      host: (wish, member) => {
        // Wishes come before `startMember` has answered.
        this.#member = member
        this.#heard(wish)
        if (wish.do === 'become') this.#keep()
        if (wish.do === 'tell') this.#tell(wish.rows)
        host(wish)
      },
    })
  }

  /** There may be others to have links with. */
  #keep(): void {
    if (!this.#member || this.#member.state.view === this.#view) return
    const { view, members, me } = this.#member.state
    this.#view = view
    this.#context.links().keep([...members.values()].filter(({ life }) => life !== me.life))
  }

  /** Whose the shards are now. */
  #tell(rows: readonly ShardRow[]): void {
    const fields = rows.flatMap(({ shard, owner, term }) => [shard, owner, term])
    for (const link of this.#context.links().open) link.tell([kinds.moved, ...fields])
  }

  #isOwned(): boolean {
    const { shards } = this.state
    if (shards.size < this.#context.shards) return false
    for (const { owner } of shards.values()) if (owner === 0) return false
    return true
  }

  async #until(mostMs: Millis, isSo: () => boolean): Promise<void> {
    const { clock } = this.#context
    const end = clock.monotonic() + mostMs
    while (!isSo() && clock.monotonic() < end) await new Promise<void>((resolve) => clock.after(lookMs, resolve))
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
    const { links, place } = this.#context
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
    links().close()
    place?.release()
  }
}

const hostOf = (host: string): string => (host.includes(':') ? `[${host}]` : host)
