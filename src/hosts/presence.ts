/** Hosts the presence actors. */

import { type NodeRouter, type PresenceKnows, toUser } from '../../actors/addresses.ts'
import type { Accepted } from '../../actors/log/types.ts'
import {
  type Presence,
  type PresenceEffect,
  type PresenceMessage,
  type PresenceState,
  receive,
  rest,
  startPresence,
} from '../../actors/presence.ts'
import type { SessionRef } from '../../actors/session/ref.ts'
import type { Millis, UserId } from '../protocol/ids.ts'
import { never } from '../protocol/never.ts'
import type { Entities, Runtime } from '../runtime/index.ts'
import type { PresenceStore, SettingsStore } from '../store/contract.ts'
import type { SessionPort } from './ports.ts'
import type { SpellOf } from './spells.ts'

export type PresenceActors = Entities<PresenceState, PresenceMessage, PresenceEffect, PresenceKnows>

const refused: Accepted = { is: 'refused', code: 'busy' }
const forgotten: Accepted = { is: 'accepted', at: { epoch: 0, seq: 0 }, time: 0 }

type Context = {
  readonly runtime: Runtime
  readonly router: NodeRouter
  readonly store: PresenceStore & SettingsStore
  readonly spellOf: SpellOf<PresenceStore>
  readonly sessions: SessionPort & { presences(sessions: readonly SessionRef[]): Presence[] }
  /** Milliseconds after the last activity at which a connected user counts as gone; 0: connected means online. */
  readonly threshold: Millis
}

export function hostPresence({ runtime, router, store, spellOf, sessions, threshold }: Context): PresenceActors {
  const { clock } = runtime
  const limits = { threshold }
  const actors: PresenceActors = runtime.host<
    PresenceState,
    PresenceMessage,
    PresenceEffect,
    PresenceState,
    PresenceKnows
  >({
    kind: 'presence',
    async load(id) {
      const user = id as UserId
      spellOf(id)
      const [seen = 0, settings] = await Promise.all([store.lastSeen(user), store.settings(user)])
      // Last: who comes or goes from then on tells this actor.
      const devices = sessions.presences(await router.query(toUser(user), 'sessions'))
      return startPresence(user, seen, devices, { now: clock.now(), monotonic: clock.monotonic() }, settings)
    },
    receive(state, message, now, effects) {
      receive(state, message, { now, monotonic: clock.monotonic(), limits, effects })
      return state
    },
    perform(id, effects) {
      for (const effect of effects) perform(id as UserId, effect)
    },
    rest,
    pack: (state) => state,
    unpack: (_id, state) => state,
    leave: (state) => (state.saving ? 'waits' : 'goes'),
    deadLetter(id, message) {
      if (message.is === 'forget') router.answer(message.ticket, refused)
      if (message.is !== 'watch') return
      sessions.push(message.watcher.session, ['error', 'busy', 'watch', id as UserId, 0, ''])
    },
    known: { lastSeen: async (id, state) => (state ? state.seen || undefined : store.lastSeen(id as UserId)) },
    recover: ({ watchers }, mail) => [...watchers.map((watcher) => ({ is: 'watch', watcher }) as const), ...mail],
    restarted: () => {},
    gaveUp: () => {},
  })
  const perform = (user: UserId, effect: PresenceEffect): void => {
    switch (effect.do) {
      case 'typing':
        return sessions.hint(effect.watcher, ['typing', user, effect.what, user])
      case 'notify':
        return sessions.push(effect.watcher, ['presence', user, effect.online, effect.lastSeen])
      case 'after':
        return actors.after(user, effect.ms, { is: 'timer' })
      case 'save':
        return void runtime.wheel.after(effect.afterMs, () => {
          if (!actors.peek(user)) return
          const saved = (ok: boolean) => {
            actors.tellIfPresent(user, { is: 'saved', ok })
            if (effect.ticket !== undefined) router.answer(effect.ticket, ok ? forgotten : refused)
          }
          try {
            spellOf(user)
              .store.saveLastSeen(new Map([[user, effect.at]]))
              .then(
                () => saved(true),
                () => saved(false),
              )
          } catch {
            // Another node has the user by now.
            saved(false)
          }
        })
      case 'answer':
        return router.answer(effect.ticket, effect.answer)
      default:
        return never(effect)
    }
  }
  router.lead('presence', actors)
  return actors
}
