/** Sessions of other nodes, as the actors here know them: each has a reference of this node, beside those of its own sessions. */
import type { Presence } from '../../actors/presence.ts'
import type { SessionRef } from '../../actors/user/types.ts'
import type { Link } from '../cluster/link/link.ts'
import { Refs } from '../hosts/sessions/refs.ts'
import type { Millis, UserId } from '../protocol/ids.ts'
import { type Message, sessionOf } from './frames.ts'

export type FarSession = {
  ref: SessionRef
  readonly link: Link
  /** As its own node calls it. */
  readonly remote: SessionRef
  /** Whose it is, where that user's actor is here; null: only others' are. */
  user: UserId | null
  activeAt: Millis
  away: boolean
  /** Actors here that it watches, by kind and id. */
  watches: Map<string, { readonly kind: string; readonly id: string }> | null
}

/** A session may speak first by these; by others only where it is known. */
const first = new Set(['attach', 'deliver', 'stand', 'watch', 'members', 'ticks'])

export class Proxies {
  readonly #refs: Refs<FarSession>
  readonly #byLink = new Map<Link, Map<SessionRef, FarSession>>()
  /** Those whose person may have been seen since that was saved. */
  readonly #stirring = new Set<SessionRef>()

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

  /** The session that sent a message; undefined: none, or one that has ended. */
  of(link: Link, message: Message): FarSession | undefined {
    const remote = sessionOf(message)
    if (remote === 0) return undefined
    return this.#byLink.get(link)?.get(remote) ?? (first.has(message.is) ? this.#add(link, remote) : undefined)
  }

  #add(link: Link, remote: SessionRef): FarSession {
    const proxy: FarSession = { ref: 0, link, remote, user: null, activeAt: 0, away: false, watches: null }
    this.#refs.add(proxy)
    const ofLink = this.#byLink.get(link) ?? new Map<SessionRef, FarSession>()
    this.#byLink.set(link, ofLink.set(remote, proxy))
    return proxy
  }

  /** Its node says that it has ended. */
  ended(link: Link, remote: SessionRef): void {
    const proxy = this.#byLink.get(link)?.get(remote)
    if (!proxy) return
    this.#byLink.get(link)?.delete(remote)
    this.#delete(proxy.ref)
  }

  /** Those of a link that is gone. */
  lost(link: Link): readonly FarSession[] {
    const proxies = [...(this.#byLink.get(link)?.values() ?? [])]
    this.#byLink.delete(link)
    for (const { ref } of proxies) this.#delete(ref)
    return proxies
  }

  #delete(ref: SessionRef): void {
    this.#refs.delete(ref)
    this.#stirring.delete(ref)
  }

  *stirring(): Generator<readonly [UserId, Presence]> {
    for (const ref of this.#stirring) {
      const proxy = this.#refs.get(ref)
      if (proxy?.user) yield [proxy.user, presenceOf(proxy)]
    }
  }

  settled(ref: SessionRef): void {
    this.#stirring.delete(ref)
  }

  /** What is to be known of a session later, of what it tells an actor. */
  note(proxy: FarSession, kind: string, id: string, message: Message): void {
    switch (message.is) {
      case 'attach':
        proxy.user = id as UserId
        this.#stirring.add(proxy.ref)
        return
      case 'active':
        proxy.activeAt = message['at'] as Millis
        proxy.away = false
        this.#stirring.add(proxy.ref)
        return
      case 'away':
        proxy.away = true
        return
      case 'watch':
        proxy.watches ??= new Map()
        proxy.watches.set(`${kind} ${id}`, { kind, id })
        return
      case 'unwatch':
        proxy.watches?.delete(`${kind} ${id}`)
        return
    }
  }
}

export const presenceOf = ({ ref, activeAt, away }: FarSession): Presence => ({ session: ref, activeAt, away })
