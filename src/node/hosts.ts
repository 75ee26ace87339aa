/** All of a node but its sockets, put together. */
import { toGroup } from '../../actors/addresses.ts'
import { Counts } from '../embed/counts.ts'
import type { OnFault } from '../embed/faults.ts'
import type { CompleteOptions } from '../embed/options.ts'
import { backlogOf } from '../hosts/users.ts'
import { nodeMetrics } from '../operations/metrics.ts'
import type { UserId } from '../protocol/ids.ts'
import type { Clock, RuntimeOptions } from '../runtime/index.ts'
import { type Actors, startActors } from './actors.ts'
import { type Asked, askedOf, chores } from './asked.ts'
import { type Base, type Broke, beginBase } from './base.ts'
import { type Entered, openSessions } from './sessions.ts'

export type Hosts = Awaited<ReturnType<typeof startHosts>>

/**
 * Actors, sessions, what a program may ask, and what is done again and again. The store is open. A simulation starts it with a clock
 * of its own, and sizes that are met sooner.
 */
export async function startHosts(
  options: CompleteOptions,
  onFault: OnFault,
  clock: Clock,
  sizes: Partial<RuntimeOptions> = {},
  counts = new Counts(),
  broke: Broke = () => {},
) {
  const base = await beginBase({ options, onFault, clock, sizes, counts, broke })
  const entered = await openSessions(base)
  const actors = startActors(base, entered)
  const node = askedOf(base, entered, actors)
  const { cluster, alone, runtime, asks, router, media, onEvent } = base
  const { hooks, sessions, enter } = entered
  return {
    ...{ cluster, alone, runtime, clock: base.clock, asks, router, media, onEvent },
    ...{ hooks, sessions, enter },
    ...actors,
    node,
    join: () => join(base, entered, actors, node),
    metrics: metricsOf(base, actors, node),
    endChores: chores(base, entered, actors, node),
  }
}

/** Resolves when the node has what is its own: all, or in a cluster its shards. */
async function join({ store, cluster, router, runtime }: Base, entered: Entered, actors: Actors, node: Asked) {
  const { bans, sessions } = entered
  const { notes, hooked } = actors
  if (!cluster) {
    await hooked?.begin()
    const all = () => true
    return notes.resume(store, all, (group, message) => router.tell(toGroup(group), message))
  }
  const banned = (user: UserId, is: boolean) => {
    bans.heard(user, is)
    if (is) sessions.disconnect(user, undefined, 'banned')
  }
  const taken = (shard: number) => hooked?.taken(shard)
  await cluster.join({
    runtime,
    sessions,
    notes,
    banned,
    erasures: node.resumeErasures,
    isErasing: node.isErasing,
    taken,
  })
  // From here on it is told; who was banned before the store knows.
  await bans.reload()
}

const metricsOf = ({ counts, store, cluster, media }: Base, { users, groups, hooked }: Actors, { stats }: Asked) =>
  nodeMetrics({
    counts,
    stats,
    store,
    groups: () => groups.size,
    backlog: () => backlogOf(users),
    cluster: cluster && (() => cluster.known()),
    stills: cluster && (() => cluster.stills.read()),
    media: media && (() => ({ ...media.traffic, transfers: media.allowance.transfers })),
    webhooks: hooked?.figures,
  })
