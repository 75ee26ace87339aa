/** Sessions of other nodes, as the actors here know them: each has a reference of this node, beside those of its own sessions. */
import type { Presence } from '../../actors/presence.ts'
import type { SessionRef } from '../../actors/session/ref.ts'
import type { Link } from '../cluster/link/link.ts'
import { Refs } from '../hosts/sessions/refs.ts'
import type { Millis, UserId } from '../protocol/ids.ts'
import { hash } from '../runtime/index.ts'
import { type Message, sessionOf } from './frames.ts'
import { Table } from './table.ts'

export type FarSession = {
  ref: SessionRef
  readonly link: Link
  /** As its own node calls it. */
  readonly remote: SessionRef
  /** Whose it is, where that user's actor is here; null: only others' are. */
  user: UserId | null
  activeAt: Millis
  away: boolean
}

/** Actors here that a session watches, by kind and id. */
type Watches = Map<string, { readonly kind: string; readonly id: string }>
const none: Watches = new Map()

/** A session may speak first by these; by others only where it is known. */
const first = new Set(['attach', 'deliver', 'stand', 'watch', 'members', 'ticks'])

export class Proxies {
  /** Marked are those whose person may have been seen since that was saved. */
  readonly #refs: Refs<FarSession>
  /** As their own node calls them: of the few links several may have a session of that number. */
  readonly #byRemote = new Table<FarSession>(({ remote }) => spread(remote))
  readonly #byUser = new Table<FarSession>(({ user }) => hash(user ?? ''))
  /** Of those that watch any: most do not, and a field takes 8 bytes of each. */
  readonly #watches = new Map<SessionRef, Watches>()

  /** `numbers`: those of this node's own sessions, too. */
  constructor(numbers: { last: SessionRef }) {
    this.#refs = new Refs<FarSession>(numbers)
  }

  get size(): number {
    return this.#refs.size
  }

  get(ref: SessionRef): FarSession | undefined {
    return this.#refs.get(ref)
  }

  all(): readonly FarSession[] {
    return this.#refs.all()
  }

  /** Those of a user whose actor is here. */
  ofUser(user: UserId): readonly FarSession[] {
    return this.#byUser.near(hash(user)).filter((proxy) => proxy.user === user)
  }

  /** The session that sent a message; undefined: none, or one that has ended. */
  of(link: Link, message: Message): FarSession | undefined {
    const remote = sessionOf(message)
    if (remote === 0) return undefined
    return this.#find(link, remote) ?? (first.has(message.is) ? this.#add(link, remote) : undefined)
  }

  #find(link: Link, remote: SessionRef): FarSession | undefined {
    return this.#byRemote.find(spread(remote), (proxy) => proxy.remote === remote && proxy.link === link)
  }

  #add(link: Link, remote: SessionRef): FarSession {
    const proxy: FarSession = { ref: 0, link, remote, user: null, activeAt: 0, away: false }
    this.#refs.add(proxy)
    this.#byRemote.add(proxy)
    return proxy
  }

  /** Its node says that it has ended. */
  ended(link: Link, remote: SessionRef): void {
    const proxy = this.#find(link, remote)
    if (proxy) this.#delete(proxy)
  }

  /** Those of a link that is gone, with what they watched. */
  lost(link: Link): readonly (readonly [FarSession, Watches])[] {
    const proxies = this.#refs.all().filter((proxy) => proxy.link === link)
    const gone = proxies.map((proxy) => [proxy, this.#watches.get(proxy.ref) ?? none] as const)
    for (const proxy of proxies) this.#delete(proxy)
    return gone
  }

  #delete(proxy: FarSession): void {
    this.#refs.delete(proxy.ref)
    this.#watches.delete(proxy.ref)
    this.#byRemote.delete(proxy)
    if (proxy.user !== null) this.#byUser.delete(proxy)
  }

  *stirring(): Generator<readonly [UserId, Presence]> {
    for (const proxy of this.#refs.marked()) if (proxy.user) yield [proxy.user, presenceOf(proxy)]
  }

  settled(ref: SessionRef): void {
    this.#refs.mark(ref, false)
  }

  #unwatched({ ref }: FarSession, actor: string): void {
    const watches = this.#watches.get(ref)
    watches?.delete(actor)
    if (watches?.size === 0) this.#watches.delete(ref)
  }

  /** What is to be known of a session later, of what it tells an actor. */
  note(proxy: FarSession, kind: string, id: string, message: Message): void {
    switch (message.is) {
      case 'attach':
        this.#refs.mark(proxy.ref, true)
        if (proxy.user !== null) return
        proxy.user = id as UserId
        return this.#byUser.add(proxy)
      case 'active':
        proxy.activeAt = message['at'] as Millis
        proxy.away = false
        this.#refs.mark(proxy.ref, true)
        return
      case 'away':
        proxy.away = true
        return
      case 'watch':
        this.#watches.set(proxy.ref, (this.#watches.get(proxy.ref) ?? new Map()).set(`${kind} ${id}`, { kind, id }))
        return
      case 'unwatch':
        return this.#unwatched(proxy, `${kind} ${id}`)
    }
  }
}

/** Sessions of one node have numbers that follow each other: one after another they would fill whole stretches of a table. */
const spread = (remote: SessionRef): number => Math.imul(remote, 0x9e37_79b1) >>> 7

export const presenceOf = ({ ref, activeAt, away }: FarSession): Presence => ({ session: ref, activeAt, away })
