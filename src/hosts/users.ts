/** Hosts the user actors: loads their inboxes from the store, and performs what they ask for. */

import { type NodeRouter, toChat, toPresence, type UserKnows } from '../../actors/addresses.ts'
import { isUnsaved, isWriting } from '../../actors/log/state.ts'
import type { UserEffect } from '../../actors/user/effects.ts'
import type { UserMessage } from '../../actors/user/messages.ts'
import { packUser, unpackUser } from '../../actors/user/record.ts'
import { recover } from '../../actors/user/recover.ts'
import type { UserState } from '../../actors/user/state.ts'
import { rest, startUser } from '../../actors/user/state.ts'
import { senderOf } from '../../actors/user/ticks.ts'
import { receive } from '../../actors/user/user.ts'
import type { Timed } from '../embed/events.ts'
import type { OnFault } from '../embed/faults.ts'
import type { NodeEvents } from '../embed/hooks.ts'
import type { Holds } from '../media/holds.ts'
import type { UserId } from '../protocol/ids.ts'
import type { Lifetime } from '../protocol/lifetime.ts'
import type { Limits } from '../protocol/limits.ts'
import { never } from '../protocol/never.ts'
import type { Entities, Runtime } from '../runtime/index.ts'
import type { HistoryStore, LifeStore, LogStore, PeopleStore, SettingsStore } from '../store/contract.ts'
import type { Calendar } from './calendar.ts'
import { pastFrame, pushEntries } from './frames.ts'
import { known } from './known.ts'
import { deletion } from './logs/deletions.ts'
import { pastChats } from './logs/histories.ts'
import { type Follower, type LogEffect, Logs } from './logs/logs.ts'
import { done, orNull } from './logs/lookups.ts'
import type { SessionPort } from './ports.ts'
import { counting, type SpellOf, still } from './spells.ts'
import { together } from './together.ts'

export type Users = Entities<UserState, UserMessage, UserEffect, UserKnows>
/** What is a user's, apart from the inbox. */
type OwnEffect = Exclude<UserEffect, LogEffect>
type UserLogs = Logs<UserMessage, OwnEffect>

type Context = {
  readonly runtime: Runtime
  readonly router: NodeRouter
  readonly store: LogStore & SettingsStore
  readonly spellOf: SpellOf<LogStore & HistoryStore & SettingsStore & LifeStore & PeopleStore>
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
  readonly timed?: Timed | undefined
  readonly follower?: Follower | undefined
  readonly replayed?: ((entries: number) => void) | undefined
  readonly ticked?: ((delivered: number, read: number) => void) | undefined
  /** A device of a user has come, or gone. */
  readonly moved?: ((user: UserId) => void) | undefined
}

/** What was told at once is to be an entry now, and cursors are to be saved: their shard is given up. */
const written = { is: 'timer', timer: 'awaited' } as const
const saved = { is: 'timer', timer: 'save' } as const

export function hostUsers(context: Context): Users {
  const { runtime, router, store, spellOf, term, life, sessions, holds, moved } = context
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
  const logs: UserLogs = new Logs(context, {
    peek: (user) => users.peek(user),
    tell: (user, message) => users.tell(user, message),
  })
  /** A next life of an actor waits for what its former one has asked for. */
  const wiping = new Map<UserId, Promise<unknown>>()
  const wipe = async (user: UserId): Promise<UserMessage> => {
    const spell = spellOf(user)
    const task = holds.wipe(
      user,
      () => spell.store.wipe(user),
      () => still(spell),
    )
    // It is done again until it succeeds: somebody is to hear why it does not.
    const ended = task.catch((error: unknown) => context.onFault({ where: 'store', error }))
    wiping.set(user, ended)
    const ok = await done(task)
    wiping.delete(user)
    return { is: 'wiped', ok }
  }
  const users: Users = runtime.host<UserState, UserMessage, UserEffect, string, UserKnows>({
    kind: 'user',
    async load(id) {
      const user = id as UserId
      await wiping.get(user)
      const spell = spellOf(id)
      const [record, settings] = await Promise.all([logs.load(user), counting(spell, spell.store.settings(user))])
      return startUser(user, record, runtime.clock.name(), settings)
    },
    receive(state, message, now, effects) {
      receive(state, message, { now, limits, effects })
      if (moved && (message.is === 'attach' || message.is === 'detach')) moved(state.user)
      return state
    },
    perform(id, effects) {
      const user = id as UserId
      logs.perform(user, together(effects), (effect) => {
        if (effect.do === 'wipe') void logs.bring(user, wipe(user))
        else perform(context, users, logs, user, effect)
      })
    },
    rest,
    pack: packUser,
    unpack: (id, kept) => unpackUser(id as UserId, kept),
    leave({ user, log, work }) {
      logs.hurry(user)
      if (work && (work.changes || work.wipe || work.deletions.length > 0)) return 'waits'
      // Behind what is being written already, and not when that is done: each round trip is silence.
      const tell = [...(work && work.laterSince > 0 ? [written] : []), ...(isUnsaved(log) ? [saved] : [])]
      return tell.length > 0 ? { tell } : isWriting(log) ? 'waits' : 'goes'
    },
    deadLetter(id, message, reason) {
      if (logs.deadLetter(id as UserId, message, reason)) return
      if (message.is === 'erase' || message.is === 'wipe')
        router.answer(message.ticket, { is: 'refused', code: 'busy' })
      else if (message.is === 'attach')
        sessions.close(message.session, reason === 'unloadable' ? 'unavailable' : 'restarted')
      else if (message.is === 'detach') moved?.(id as UserId)
    },
    known: known(store),
    released: (isOf) => logs.forget(isOf),
    recover,
    restarted: (id) => sessions.reattach(id as UserId),
    gaveUp: (id) => sessions.closeUser(id as UserId, 'restarted'),
  })
  router.lead('user', users)
  return users
}

/** Entries that connected devices have not acknowledged. Who hibernates has none. */
export function backlogOf(users: Users): number {
  let entries = 0
  for (const { log } of users.awakeStates())
    for (const { session, acked } of log.readers) if (session !== 0) entries += log.tail - acked
  return entries
}

function perform(
  context: Context,
  users: Users,
  logs: UserLogs,
  user: UserId,
  effect: Exclude<OwnEffect, { do: 'wipe' }>,
): void {
  const { router, sessions, events } = context
  switch (effect.do) {
    case 'scan':
    case 'check':
    case 'saveSettings':
    case 'reads':
    case 'list':
    case 'recollect':
    case 'confirmWipe':
    case 'history':
      return void logs.bring(user, ask(context, user, effect))
    case 'findSpan':
    case 'erase':
      return void logs.bring(user, deletion({ ...context, ...context.spellOf(user) }, user, effect))
    case 'welcome':
      return sessions.welcome(effect)
    case 'live':
      return sessions.push(effect.session, ['live', effect.seq])
    case 'push':
      return pushEntries(effect.entries, (frame) => sessions.push(effect.session, frame))
    case 'earlyReceipt':
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
    case 'chats':
      for (const { chat, seq, time, unread, read, lifetime, tags } of effect.chats)
        sessions.push(effect.session, ['chat', chat, seq, time, unread, read, lifetime, tags])
      return
    case 'past':
      for (const entry of effect.entries) sessions.push(effect.session, pastFrame(effect.ref, user, entry))
      return
    case 'settings':
      return sessions.settings(effect.session, effect.settings)
    case 'settingsChanged':
      return router.tellIfPresent(toPresence(user), { is: 'settings', settings: effect.settings })
    case 'close':
      return sessions.close(effect.session, effect.code)
    case 'wasted':
      return sessions.wasted(effect.session)
    case 'siblings':
      return sessions.siblings(effect.session)
    case 'tell':
      return router.tell(toChat(effect.user), effect.message)
    case 'after':
      return users.after(user, effect.ms, { is: 'timer', timer: effect.timer })
    case 'receipted':
      return events.receipted(user, effect)
    case 'ticked':
      return context.ticked?.(effect.delivered, effect.read)
    default:
      return never(effect)
  }
}

/** What only a user asks of the store. */
async function ask(
  { spellOf, calendar, runtime }: Context,
  user: UserId,
  effect: Extract<
    UserEffect,
    { do: 'scan' | 'check' | 'saveSettings' | 'reads' | 'list' | 'recollect' | 'confirmWipe' | 'history' }
  >,
): Promise<UserMessage> {
  const { store } = spellOf(user)
  switch (effect.do) {
    case 'scan': {
      const { what, from, limit, bytes } = effect
      return { is: 'scanned', what, from, entries: await orNull(store.read(user, from, limit, bytes, calendar.now())) }
    }
    case 'check': {
      const { session, chat, seq } = effect
      const entries = await orNull(store.read(user, seq, 1, 1, calendar.now()))
      const [sender] = entries?.flatMap((entry) => senderOf(entry) ?? []) ?? []
      const at = sender?.seq === seq && sender.chat === chat ? sender.at : 0
      return { is: 'checked', session, chat, seq, at: entries && at }
    }
    case 'saveSettings':
      return { is: 'settingsSaved', ok: await done(store.saveSettings(user, effect.settings)) }
    case 'reads':
      return { is: 'reads', reads: await orNull(store.reads(user)) }
    case 'list': {
      const { from, limit, bytes } = effect
      const page = limit > 0 ? store.read(user, from, limit, bytes, calendar.now()) : []
      const [entries, reads] = (await orNull(Promise.all([page, effect.reads ? store.reads(user) : null]))) ?? [
        null,
        null,
      ]
      return { is: 'listed', from, entries, reads }
    }
    case 'recollect': {
      const { known, upTo } = effect
      return { is: 'recollected', known, past: await orNull(pastChats(store, runtime.clock, user, known, upTo)) }
    }
    case 'confirmWipe':
      return { is: 'wipeConfirmed', isUnderWay: await orNull(store.erasures().then((users) => users.includes(user))) }
    case 'history': {
      const { session, ref, chat, before, limit, bytes } = effect
      return { is: 'past', session, ref, entries: await orNull(store.history(user, chat, before, limit, bytes)) }
    }
  }
}
