/** What a program and operators ask of a node, and what it does again and again by itself. */
import { type Broadcast, broadcast } from '../embed/broadcast.ts'
import { asMembers } from '../embed/groups.ts'
import { asUsers } from '../embed/program.ts'
import { startChores } from '../hosts/chores.ts'
import { staying } from '../hosts/heartbeat.ts'
import { seeing } from '../hosts/seeing.ts'
import type { Sessions } from '../hosts/sessions/sessions.ts'
import { type Bans, heedBans } from '../operations/bans.ts'
import { asOperator } from '../operations/operating.ts'
import { buried } from '../operations/webhooks/sending.ts'
import type { Chore } from '../runtime/index.ts'
import type { Actors } from './actors.ts'
import type { Base } from './base.ts'
import type { Entered } from './sessions.ts'

export type Asked = ReturnType<typeof askedOf>

export function askedOf(base: Base, { anywhere, bans, keys, sessions }: Entered, { users }: Actors) {
  const { options, router, clock, store, term, media, runtime, cluster, isHere, onFault, broke } = base
  const { limits } = options
  const members = asMembers({ router, clock, limits })
  const program = asUsers({ router, clock, store, limits, media })
  const operator = asOperator({
    sessions: anywhere,
    bans,
    limits,
    router,
    store,
    term,
    clock,
    media,
    leave: (by, group) => members.changeGroup({ by, group, change: 'leave', value: '' }),
    forgetKeys: (user) => keys.forget(user),
    isHere,
    onFault,
  })
  return {
    ...program,
    broadcast: (message: Broadcast) => broadcast(program.send, message),
    ...members,
    ...operator,
    cluster: () => cluster?.known(),
    drain: () => broke(),
    stats: () => ({ sessions: sessions.size, users: users.size, ...runtime.counters }),
    deadWebhooks: (limit = 100) => buried(store, clock.now(), limit),
  }
}

/** Milliseconds between looks at which erasures are not over: each that cannot be is tried again so often, and at the start. */
const resumeMs = 3_600_000

/** Starts them. Answers what waits for those that are under way; none begins once the runtime has stopped. */
export function chores(base: Base, { everywhere, bans, sessions }: Entered, { holds }: Actors, node: Asked) {
  const { options, router, spellOf, clock, cluster, runtime, store, calendar, media, isHere, onFault } = base
  const stay = { everyMs: options.limits.deviceAwayMs / 4, task: staying(router, () => everywhere.users()) }
  const others = [
    stay,
    seeing(everywhere, spellOf, clock, options.onlineMs),
    ...(cluster ? [reloading(bans, sessions)] : []),
    { everyMs: resumeMs, task: () => node.resumeErasures().then(() => 0) },
  ]
  return startChores({ runtime, store, calendar, media, holds, isHere, spellOf, onFault }, others)
}

/** Whom operators keep out on another node, which could not say so. */
const reloading = (bans: Bans, sessions: Sessions): Chore => ({
  everyMs: 30_000,
  task: () => heedBans(bans, sessions).then(() => 0),
})
