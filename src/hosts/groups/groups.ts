/** Hosts the group actors: loads them from the store, hands copies to the members' actors, and performs what they ask for. */
import { type GroupKnows, type NodeRouter, toUser } from '../../../actors/addresses.ts'
import { receive, recover, rest } from '../../../actors/group/group.ts'
import { leave } from '../../../actors/group/leaving.ts'
import { startGroup } from '../../../actors/group/record.ts'
import { knownGroup } from '../../../actors/group/ticks.ts'
import type { GroupEffect, GroupMessage, GroupState, Message } from '../../../actors/group/types.ts'
import { mayAdd } from '../../../actors/settings.ts'
import type { Timed } from '../../embed/events.ts'
import type { OnFault } from '../../embed/faults.ts'
import type { NodeEvents } from '../../embed/hooks.ts'
import type { Holds } from '../../media/holds.ts'
import type { GroupId, Seq, UserId } from '../../protocol/ids.ts'
import type { Lifetime } from '../../protocol/lifetime.ts'
import type { Limits } from '../../protocol/limits.ts'
import { never } from '../../protocol/never.ts'
import type { Entities, Runtime } from '../../runtime/index.ts'
import type { GroupStore, LifeStore, LogStore } from '../../store/contract.ts'
import type { Calendar } from '../calendar.ts'
import { type Follower, type LogEffect, Logs } from '../logs/logs.ts'
import { done, entriesOf, orNull } from '../logs/lookups.ts'
import type { SessionPort } from '../ports.ts'
import { type SpellOf, still } from '../spells.ts'
import { Copies } from './copies.ts'
import type { Notes } from './notes.ts'

export type Groups = Entities<GroupState, GroupMessage, GroupEffect, GroupKnows>
/** What is a group's, apart from its log. */
type OwnEffect = Exclude<GroupEffect, LogEffect>
type GroupLogs = Logs<GroupMessage, OwnEffect>

type GroupLogStore = LogStore & GroupStore & LifeStore

type Context = {
  readonly runtime: Runtime
  readonly router: NodeRouter
  readonly spellOf: SpellOf<GroupLogStore>
  readonly term: number
  readonly limits: Limits
  readonly lifetime: Lifetime
  readonly sessions: SessionPort
  readonly events: NodeEvents
  readonly holds: Holds
  readonly calendar: Calendar
  readonly notes: Notes
  readonly onFault: OnFault
  readonly timed?: Timed | undefined
  readonly follower?: Follower | undefined
}

/** A page of a member's link: small, since a group has many. */
const window = { windowEntries: 64, windowBytes: 128 * 1024 }
/** A group that could not be loaded, or failed repeatedly, is tried again after this time. */
const againMs = 5_000

export function hostGroups(context: Context): Groups {
  const { runtime, router, spellOf, term, limits, notes } = context
  const { members, appendsInFlight } = limits
  const groupLimits = { ...window, members, appendsInFlight, term, life: 0 }
  const logs: GroupLogs = new Logs(context, {
    peek: (group) => groups.peek(group),
    tell: (group, message) => groups.tell(group, message),
    before: (group) => notes.note(group as GroupId),
  })
  const copies = new Copies(router, runtime.turns, (group, copies) =>
    groups.tellIfPresent(group, { is: 'fanned', copies }),
  )
  const load = async (group: GroupId, inboxOf: (group: GroupId) => ReturnType<LogStore['load']>) => {
    const spell = spellOf(group)
    const { store } = spell
    const [inbox, record] = [await inboxOf(group), await store.loadGroup(group)]
    const from = (record?.seq ?? 0) + 1
    const later = await messagesFrom(store, context.calendar, group, from, inbox?.tail ?? 0)
    // Rejects where another node has it by now: whoever asked would wait for ever.
    await still(spell)
    return startGroup(group, inbox, record, later, runtime.clock.name(), context.lifetime, runtime.clock.uuid())
  }
  /** One that is not present, as its actor would find it. */
  const look = (group: GroupId) => load(group, (group) => spellOf(group).store.load(group))
  const groups: Groups = runtime.host<GroupState, GroupMessage, GroupEffect, GroupState, GroupKnows>({
    kind: 'group',
    load: (id) => load(id as GroupId, (group) => logs.load(group)),
    receive(state, message, now, effects) {
      receive(state, message, { now, limits: groupLimits, effects })
      return state
    },
    perform(id, effects) {
      const group = id as GroupId
      logs.perform(group, effects, (effect) => perform(context, { groups, logs, copies }, group, effect))
    },
    rest(state) {
      const rested = rest(state)
      if (rested !== 'busy') notes.rested(state.id)
      return rested
    },
    pack: (state) => state,
    unpack: (_id, state) => state,
    leave(state) {
      logs.hurry(state.id as string as UserId)
      return leave(state)
    },
    deadLetter(id, message, reason) {
      if (logs.deadLetter(id as GroupId, message, reason)) return
      if (message.is === 'members' || message.is === 'ticks' || message.is === 'watch')
        context.sessions.push(message.session, ['error', 'busy', message.is, id, 0, ''])
      else if (reason !== 'poison' && reason !== 'released') groups.after(id, againMs, { is: 'resume' })
    },
    known: {
      async group(id, state) {
        const known = state ?? (await look(id as GroupId))
        return known.exists ? knownGroup(known) : undefined
      },
      ties: async (id, state) => [...(state ?? (await look(id as GroupId))).members.keys()],
    },
    released(isOf) {
      logs.forget(isOf)
      copies.forget(isOf)
    },
    recover,
    restarted(id) {
      copies.forget((group) => group === id)
      groups.tell(id, { is: 'resume' })
    },
    gaveUp: (id) => groups.after(id, againMs, { is: 'resume' }),
  })
  router.lead('group', groups)
  return groups
}

async function messagesFrom(
  store: LogStore,
  calendar: Calendar,
  group: GroupId,
  from: Seq,
  tail: Seq,
): Promise<Message[]> {
  const messages: Message[] = []
  for await (const entry of entriesOf(store, group, from, tail, calendar.now()))
    if (entry.is === 'message') messages.push(entry)
  return messages
}

/** Who of these lets another add them to groups. */
async function openTo(router: NodeRouter, by: UserId, users: readonly UserId[]): Promise<UserId[]> {
  const may = await Promise.all(users.map(async (user) => mayAdd(await router.query(toUser(user), 'settings'), by)))
  return users.filter((_, index) => may[index])
}

type Parts = { readonly groups: Groups; readonly logs: GroupLogs; readonly copies: Copies }

function perform(context: Context, { groups, logs, copies }: Parts, group: GroupId, effect: OwnEffect): void {
  const { router, spellOf, sessions } = context
  switch (effect.do) {
    case 'record': {
      const recorded = done(spellOf(group).store.saveGroup(group, effect.record)).then((ok) => ({
        is: 'recorded' as const,
        ok,
      }))
      return void logs.bring(group, recorded)
    }
    case 'consult': {
      const { ticket, by, users } = effect
      const asked = orNull(openTo(router, by, users))
      const consulted = asked.then((open) => ({ is: 'consulted' as const, ticket, open }))
      return void logs.bring(group, consulted)
    }
    case 'fan':
      return copies.add(group, effect)
    case 'tell':
      return router.tell(toUser(effect.user), effect.message)
    case 'after':
      return groups.after(group, effect.ms, { is: 'timer', timer: effect.timer })
    case 'members': {
      const { name, history, admins, members, lifetime } = effect
      return sessions.push(effect.session, ['group', group, name, history, admins, members, lifetime])
    }
    case 'ticks':
      return sessions.push(effect.session, ['ticked', group, effect.at, effect.delivered, effect.read])
    case 'watching':
      return sessions.push(effect.session, ['done', 'watch', group, 0])
    case 'typing':
      return sessions.hint(effect.watcher, ['typing', group, effect.what, effect.by])
    case 'refuse':
      return sessions.push(effect.session, ['error', effect.code, effect.kind, group, 0, ''])
    default:
      return never(effect)
  }
}
