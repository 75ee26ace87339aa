/** The actors of a node: users, groups and presence, and what follows from their logs. */
import { countedEvents } from '../embed/counts.ts'
import { timed } from '../embed/events.ts'
import { tellHooks } from '../embed/hooks.ts'
import { hostGroups } from '../hosts/groups/groups.ts'
import { Notes } from '../hosts/groups/notes.ts'
import { hostPresence } from '../hosts/presence.ts'
import { hostUsers, type Users } from '../hosts/users.ts'
import { Holds } from '../media/holds.ts'
import { type Webhooks, webhooks } from '../operations/webhooks/webhooks.ts'
import type { UserId } from '../protocol/ids.ts'
import type { Base } from './base.ts'
import type { Entered } from './sessions.ts'

export type Actors = ReturnType<typeof startActors>

export function startActors(base: Base, { everywhere }: Pick<Entered, 'everywhere'>) {
  const { options, store, runtime, router, spellOf, counts, clock } = base
  const isAway = (user: UserId): boolean => !users.peek(user)?.log.readers.some(({ session }) => session !== 0)
  const holds = new Holds(base.media)
  const notes = new Notes(spellOf)
  const events = countedEvents(counts, tellHooks(options, clock, isAway))
  const logs = { ...logsOf(base), sessions: everywhere, events, holds }
  const { local, isHere, stays } = base
  const place = { local, isHere, stays, shards: base.cluster?.shards }
  const hooked: Webhooks | undefined =
    options.webhooks && webhooks(options.webhooks, { ...logs, ...place, clock, isAway })
  const followed = { ...logs, follower: hooked?.follower }
  const replayed = (entries: number) => {
    counts.replayed += entries
  }
  const ticked = (delivered: number, read: number) => {
    counts.delivered += delivered
    counts.read += read
  }
  const swallows = options.blocked === 'swallowed'
  const users: Users = hostUsers({ ...followed, replayed, ticked, moved: hooked?.moved, life: base.life, swallows })
  const groups = hostGroups({ ...followed, notes })
  const threshold = options.onlineMs
  const presence = hostPresence({ runtime, router, store, spellOf, sessions: everywhere, threshold })
  return { holds, notes, hooked, users, groups, presence }
}

/** What all that have a log are given. */
function logsOf({ options, runtime, router, store, spellOf, term, calendar, onFault, given, counts, onEvent }: Base) {
  const { limits, lifetime } = options
  const took = timed(given, (ms) => counts.appends.add(ms), onEvent)
  return { runtime, router, store, spellOf, term, limits, lifetime, calendar, onFault, timed: took }
}
