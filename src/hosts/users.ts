/** Hosts the user actors: loads their inboxes from the store, and performs what they ask for. */

import { type NodeRouter, toChat, toPresence, type UserKnows } from '../../actors/addresses.ts'
import { senderOf } from '../../actors/user/receipts.ts'
import { packUser, unpackUser } from '../../actors/user/record.ts'
import { recover } from '../../actors/user/recover.ts'
import { rest, startUser } from '../../actors/user/state.ts'
import type { UserEffect, UserMessage, UserState } from '../../actors/user/types.ts'
import { receive } from '../../actors/user/user.ts'
import type { OnFault } from '../embed/faults.ts'
import type { NodeEvents } from '../embed/hooks.ts'
import type { Holds } from '../media/holds.ts'
import type { Entry } from '../protocol/entry.ts'
import type { UserId } from '../protocol/ids.ts'
import type { Lifetime } from '../protocol/lifetime.ts'
import type { Limits } from '../protocol/limits.ts'
import { never } from '../protocol/never.ts'
import type { Entities, Runtime } from '../runtime/index.ts'
import type { HistoryStore, LifeStore, LogStore, SettingsStore } from '../store/contract.ts'
import type { Calendar } from './calendar.ts'
import { pastFrame, pushEntries } from './frames.ts'
import { known } from './known.ts'
import { Appends } from './logs/appends.ts'
import { deletion } from './logs/deletions.ts'
import { consult, done, orNull, tellResult } from './logs/lookups.ts'
import type { SessionPort } from './ports.ts'

export type Users = Entities<UserState, UserMessage, UserEffect, UserKnows>

type Context = {
  readonly runtime: Runtime
  readonly router: NodeRouter
  readonly store: LogStore & HistoryStore & SettingsStore & LifeStore
  readonly term: number
  readonly life: number
  readonly limits: Limits
  readonly lifetime: Lifetime
  readonly sessions: SessionPort
  readonly events: NodeEvents
  /** A blocked sender is answered as if the message were taken. */
  readonly swallows: boolean
  readonly holds: Holds
  readonly calendar: Calendar
  readonly onFault: OnFault
}

export function hostUsers(context: Context): Users {
  const { runtime, router, store, term, life, sessions, holds } = context
  const limits = {
    ...context.limits,
    swallows: context.swallows,
    lifetime: context.lifetime,
    term,
    life,
    // Longer while a clock that has jumped is not believed: no device is forgotten for that.
    get deviceAwayMs() {
      return context.limits.deviceAwayMs + Math.max(0, context.calendar.offMs)
    },
  }
  const appends = new Appends((user, epoch, entries, done) =>
    holds
      .append(user, entries, () => store.append(user, epoch, term, entries))
      .then(
        () => done(true),
        (error) => {
          done(false)
          context.onFault({ where: 'store', error })
        },
      ),
  )
  const users: Users = runtime.host<UserState, UserMessage, UserEffect, string, UserKnows>({
    kind: 'user',
    async load(id) {
      const user = id as UserId
      await appends.settled(user)
      const [record, settings] = await Promise.all([store.load(user, term), store.settings(user)])
      return startUser(user, record, runtime.clock.name(), settings)
    },
    receive: (state, message, now, effects) => receive(state, message, limits, now, effects).state,
    perform(id, effects) {
      const entries: Entry[] = []
      for (const effect of effects) {
        if (effect.do === 'append') entries.push(...effect.entries)
        else perform(context, users, id as UserId, effect)
      }
      if (entries.length > 0) append(users, appends, id as UserId, entries)
    },
    rest,
    pack: packUser,
    unpack: (id, kept) => unpackUser(id as UserId, kept),
    flush: ({ unsaved }) => (unsaved > 0 ? { is: 'timer', timer: 'save' } : undefined),
    deadLetter(id, message, reason) {
      if (message.is === 'deliver' || message.is === 'copy') {
        router.answer(message.ticket, { is: 'refused', code: reason === 'poison' ? 'failed' : 'busy' })
      } else if (message.is === 'delete' && message.session === 0) {
        router.answer(message.ticket, { is: 'refused', code: 'busy' })
      } else if (message.is === 'stand') sessions.push(message.session, ['error', 'busy', message.is, id, 0, ''])
      else if (message.is === 'attach')
        sessions.close(message.session, reason === 'unloadable' ? 'unavailable' : 'restarted')
    },
    known: known(store),
    recover,
    restarted: (id) => sessions.reattach(id as UserId),
    gaveUp: (id) => sessions.closeUser(id as UserId, 'restarted'),
  })
  router.lead('user', users)
  return users
}

function append(users: Users, appends: Appends, user: UserId, entries: readonly Entry[]): void {
  const state = users.peek(user)
  appends.add(user, state?.epoch ?? 0, entries, (is, first, last) => {
    // A restarted actor has read the inbox after this landed: the result is news to nobody.
    if (users.peek(user) === state) users.tell(user, { is, first, last })
  })
}

function perform(context: Context, users: Users, user: UserId, effect: Exclude<UserEffect, { do: 'append' }>): void {
  const { router, sessions, events } = context
  switch (effect.do) {
    case 'find':
    case 'fetch':
    case 'save':
    case 'start':
      return void tellResult(users, user, consult(context, user, users.peek(user) ?? noLog, effect))
    case 'check':
    case 'keep':
    case 'history':
      return void tellResult(users, user, ask(context, user, effect))
    case 'rename':
      return void context.store.lives
        ?.rename(user, effect.epoch)
        .catch((error) => context.onFault({ where: 'store', error }))
    case 'look':
    case 'erase':
      return void tellResult(users, user, deletion(context, user, effect))
    case 'welcome':
      return sessions.welcome(effect)
    case 'stands':
      return sessions.push(effect.session, ['stands', user, effect.epoch, effect.life, effect.upTo, effect.now])
    case 'live':
      return sessions.push(effect.session, ['live', effect.seq])
    case 'push':
      return pushEntries(effect.entries, (frame) => sessions.push(effect.session, frame))
    case 'news':
      return sessions.push(effect.session, ['receipt', 0, effect.peer, effect.epoch, effect.delivered, effect.read])
    case 'done':
      return sessions.push(effect.session, ['done', 'read', effect.chat, effect.seq])
    case 'refuse':
      return sessions.push(effect.session, ['error', effect.code, effect.kind, effect.ref, 0, ''])
    case 'confirm': {
      const { session, kind, ref, seq, from } = effect
      return sessions.push(session, from ? ['done', kind, ref, seq, from] : ['done', kind, ref, seq])
    }
    case 'device':
      return sessions.push(effect.session, ['device', effect.device, effect.connected, effect.lastSeen])
    case 'seen':
      return sessions.push(effect.session, ['seen', 0, effect.chat, effect.upTo])
    case 'past':
      for (const entry of effect.entries) sessions.push(effect.session, pastFrame(effect.ref, user, entry))
      return
    case 'settings':
      return sessions.settings(effect.session, effect.settings)
    case 'show':
      return router.tellIfPresent(toPresence(user), { is: 'settings', settings: effect.settings })
    case 'close':
      return sessions.close(effect.session, effect.code)
    case 'wasted':
      return sessions.wasted(effect.session)
    case 'siblings':
      return sessions.siblings(effect.session)
    case 'answer':
      return router.answer(effect.ticket, effect.answer)
    case 'tell':
      return router.tell(toChat(effect.user), effect.message)
    case 'after':
      return users.after(user, effect.ms, { is: 'timer', timer: effect.timer })
    case 'accepted':
      return events.accepted(user, effect)
    case 'receipted':
      return events.receipted(user, effect)
    default:
      return never(effect)
  }
}

/** Of an actor that is gone, whose questions nobody will hear the answer of. */
const noLog = { epoch: 0, tail: 0 }

/** What only a user asks of the store. */
async function ask(
  { store, calendar }: Context,
  user: UserId,
  effect: Extract<UserEffect, { do: 'check' | 'keep' | 'history' }>,
): Promise<UserMessage> {
  switch (effect.do) {
    case 'check': {
      const { session, chat, seq } = effect
      const entries = await orNull(store.read(user, seq, 1, 1, calendar.now()))
      const [sender] = entries?.flatMap((entry) => senderOf(entry) ?? []) ?? []
      const at = sender?.seq === seq && sender.chat === chat ? sender.at : 0
      return { is: 'checked', session, chat, seq, at: entries && at }
    }
    case 'keep':
      return { is: 'kept', ok: await done(store.saveSettings(user, effect.settings)) }
    case 'history': {
      const { session, ref, chat, before, limit, bytes } = effect
      return { is: 'past', session, ref, entries: await orNull(store.history(user, chat, before, limit, bytes)) }
    }
  }
}
