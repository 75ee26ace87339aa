/** What sessions tell actors: what their clients ask for, and that they come and go. */
import { toChat, toGroup, toPresence, toUser } from '../../../actors/addresses.ts'
import type { Presented } from '../../../actors/log/types.ts'
import type { SessionEffect } from '../../../actors/session/types.ts'
import { type Cursor, type DeviceId, isGroup, type Millis, type UserId } from '../../protocol/ids.ts'
import { never } from '../../protocol/never.ts'
import type { Output } from './output.ts'
import type { Refs } from './refs.ts'
import type { Session, SessionsContext } from './session.ts'

/** What the host of sessions does itself. */
export type OwnEffect = Extract<
  SessionEffect,
  { do: 'push' | 'close' | 'authenticate' | 'renew' | 'deliver' | 'copy' | 'keys' }
>

export class Telling {
  readonly #context: Pick<SessionsContext, 'router' | 'presented'>
  readonly #output: Output
  /** Marked are those whose person may have been seen since that was saved: who attached to an actor, and where somebody did something. */
  readonly #sessions: Refs<Session>

  constructor(context: Pick<SessionsContext, 'router' | 'presented'>, output: Output, sessions: Refs<Session>) {
    this.#context = context
    this.#output = output
    this.#sessions = sessions
  }

  perform(session: Session, effect: Exclude<SessionEffect, OwnEffect>): void {
    const { router } = this.#context
    const { ref } = session
    const user = session.user as UserId
    switch (effect.do) {
      case 'attach':
        return this.attach(session, effect.cursor, effect.issuedAt)
      case 'ack':
        return router.tell(toUser(user), { is: 'ack', session: ref, seq: effect.seq })
      case 'read':
        return router.tell(toUser(user), { is: 'read', session: ref, chat: effect.chat, seq: effect.seq })
      case 'own':
        return router.tell(toUser(user), { ...effect.message, session: ref })
      case 'ask':
        return router.tell(toGroup(effect.group), { ...effect.question, session: ref, by: user })
      case 'stand':
        return this.#stand(session, effect)
      case 'watch':
        return this.#watch(session, effect)
      case 'unwatch':
        return this.#unwatch(session, effect.user)
      case 'typing':
        if (isGroup(effect.chat))
          return router.hint(toGroup(effect.chat), { is: 'typing', by: user, what: effect.what })
        return router.hint(toPresence(user), { is: 'typing', to: effect.chat, what: effect.what })
      case 'active':
        this.#sessions.mark(ref, true)
        return router.tellIfPresent(toPresence(user), { is: 'active', session: ref, at: session.activeAt })
      case 'away':
        return router.tellIfPresent(toPresence(user), { is: 'away', session: ref })
      default:
        return never(effect)
    }
  }

  /** `cursor`: what the client has. */
  attach(session: Session, cursor: Cursor | null, issuedAt?: Millis, again = false): void {
    const shown = cursor && this.#context.presented(cursor)
    if (!(shown instanceof Promise)) return this.#attachAt(session, shown, issuedAt, again)
    shown.then(
      (cursor) => session.open && this.#attachAt(session, cursor, issuedAt, again),
      () => this.#output.close(session, 'unavailable'),
    )
  }

  #attachAt(session: Session, cursor: Presented | null, issuedAt: Millis | undefined, again: boolean): void {
    const { ref, user, phase } = session
    this.#sessions.mark(ref, true)
    const welcomed = phase === 'open' ? { welcomed: true as const } : {}
    const attach = {
      is: 'attach',
      session: ref,
      device: session.device as DeviceId,
      cursor,
      issuedAt,
      ...welcomed,
      ...(again && { again }),
    } as const
    this.#context.router.tell(toUser(user as UserId), attach)
  }

  /** A session of a user has ended. `at`: the time of that, or of its last sign of life. */
  left(session: Session, user: UserId, at: Millis): void {
    const { router } = this.#context
    const { ref, watches, activeAt, away } = session
    router.tell(toUser(user), { is: 'detach', session: ref })
    for (const watched of watches ?? []) this.#unwatch(session, watched)
    router.tell(toPresence(user), { is: 'gone', device: { session: ref, activeAt, away }, at })
  }

  #stand(session: Session, { chat, place }: Extract<SessionEffect, { do: 'stand' }>): void {
    const { router, presented } = this.#context
    const ask = (at: Presented) =>
      router.tell(toChat(chat), { is: 'stand', session: session.ref, at, life: place.life })
    const shown = presented(place)
    if (!(shown instanceof Promise)) return ask(shown)
    shown.then(ask, () => this.#output.push(session, ['error', 'busy', 'stand', chat, 0, '']))
  }

  #watch({ ref, user: by }: Session, { user, stance }: Extract<SessionEffect, { do: 'watch' }>): void {
    const { router } = this.#context
    if (isGroup(user)) return router.tell(toGroup(user), { is: 'watch', session: ref, by: by as UserId })
    router.tell(toPresence(user), { is: 'watch', watcher: { session: ref, user: by as UserId, stance } })
  }

  #unwatch({ ref }: Session, chat: UserId): void {
    const { router } = this.#context
    if (isGroup(chat)) router.tellIfPresent(toGroup(chat), { is: 'unwatch', session: ref })
    else router.tellIfPresent(toPresence(chat), { is: 'unwatch', watcher: ref })
  }
}
