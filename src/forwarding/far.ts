/** What the actors here do with sessions, wherever those are: of this node its own host does it, of another node that one's. */
import type { Presence } from '../../actors/presence.ts'
import type { SessionRef } from '../../actors/session/ref.ts'
import { openSettings } from '../../actors/settings.ts'
import type { SessionPort } from '../hosts/ports.ts'
import type { Sessions } from '../hosts/sessions/sessions.ts'
import type { CloseCode } from '../protocol/codes.ts'
import type { ServerFrame } from '../protocol/frames.ts'
import type { UserId } from '../protocol/ids.ts'
import type { Settings } from '../protocol/settings.ts'
import { kinds } from './frames.ts'
import { type Proxies, presenceOf } from './proxies.ts'

type Welcome = Parameters<SessionPort['welcome']>[0]

export class FarSessions implements SessionPort {
  readonly #own: Sessions
  readonly #proxies: Proxies
  readonly #isOwn: (user: UserId) => boolean

  /** `isOwn`: whether a user's actor is here. */
  constructor(own: Sessions, proxies: Proxies, isOwn: (user: UserId) => boolean) {
    this.#own = own
    this.#proxies = proxies
    this.#isOwn = isOwn
  }

  push(ref: SessionRef, frame: ServerFrame): void {
    const proxy = this.#proxies.get(ref)
    if (!proxy) return this.#own.push(ref, frame)
    // It goes on from what it has when it comes back.
    if (!proxy.link.send([kinds.push, proxy.remote, frame])) this.close(ref, 'too_slow')
  }

  hint(ref: SessionRef, frame: ServerFrame): void {
    const proxy = this.#proxies.get(ref)
    if (proxy) proxy.link.hint([kinds.hint, proxy.remote, frame])
    else this.#own.hint(ref, frame)
  }

  /** Settings that are as at first are left out: then all sessions elsewhere have the same object, too, in place of one of 450 bytes each. */
  welcome(welcome: Welcome): void {
    const { settings, ...rest } = welcome
    const told = settings === openSettings ? rest : welcome
    if (!this.#tell(welcome.session, 'welcome', told)) this.#own.welcome(welcome)
  }

  siblings(ref: SessionRef): void {
    if (!this.#tell(ref, 'siblings')) this.#own.siblings(ref)
  }

  wasted(ref: SessionRef): void {
    if (!this.#tell(ref, 'wasted')) this.#own.wasted(ref)
  }

  settings(ref: SessionRef, settings: Settings): void {
    if (!this.#tell(ref, 'settings', settings)) this.#own.settings(ref, settings)
  }

  close(ref: SessionRef, code: CloseCode): void {
    if (!this.#tell(ref, 'close', code)) this.#own.close(ref, code)
  }

  reattach(user: UserId): void {
    this.#own.reattach(user)
    for (const { ref } of this.#proxies.ofUser(user)) this.#tell(ref, 'reattach')
  }

  closeUser(user: UserId, code: CloseCode): void {
    this.#own.closeUser(user, code)
    for (const { ref } of this.#proxies.ofUser(user)) this.close(ref, code)
  }

  presences(refs: readonly SessionRef[]): Presence[] {
    const far = refs.flatMap((ref) => this.#proxies.get(ref) ?? []).map(presenceOf)
    return [...this.#own.presences(refs), ...far]
  }

  /** Users whose actors are here, and who are connected; with several devices several times. */
  users(): UserId[] {
    const far = this.#proxies.all().flatMap(({ user }) => user ?? [])
    return [...this.#own.users(), ...far].filter(this.#isOwn)
  }

  /** Of the devices of those the ones whose person may have been seen since that was saved. Who attaches to an actor here stirs anew. */
  *stirring(): Generator<readonly [UserId, Presence]> {
    for (const one of [...this.#own.stirring(), ...this.#proxies.stirring()])
      if (this.#isOwn(one[0])) yield one
      else this.settled(one[1].session)
  }

  settled(ref: SessionRef): void {
    if (this.#proxies.get(ref)) this.#proxies.settled(ref)
    else this.#own.settled(ref)
  }

  /** Another node's actors say this to a session of this one. */
  heed(ref: SessionRef, what: string, value: unknown): void {
    switch (what) {
      case 'welcome':
        return this.#own.welcome({ settings: openSettings, ...(value as Omit<Welcome, 'settings'>), session: ref })
      case 'siblings':
        return this.#own.siblings(ref)
      case 'wasted':
        return this.#own.wasted(ref)
      case 'settings':
        return this.#own.settings(ref, value as Settings)
      case 'close':
        return this.#own.close(ref, value as CloseCode)
      case 'reattach':
        return this.#own.attachAgain((session) => session.ref === ref, false)
    }
  }

  /** False: it is a session of this node. */
  #tell(ref: SessionRef, what: string, value: unknown = null): boolean {
    const proxy = this.#proxies.get(ref)
    proxy?.link.tell([kinds.session, proxy.remote, what, value])
    return proxy !== undefined
  }
}
