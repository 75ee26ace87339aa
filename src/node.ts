/// <reference lib="esnext.disposable" preserve="true" />
/** A node: store, actors and gateway put together. */

import { type NodeRouter, toGroup } from '../actors/addresses.ts'
import type { Accepted } from '../actors/log/types.ts'
import { type Alone, beAlone } from './cluster/alone.ts'
import type { Authenticate } from './embed/authenticate.ts'
import { type Broadcast, type BroadcastResult, broadcast } from './embed/broadcast.ts'
import { Counts, countedEvent, countedEvents, countedFaults } from './embed/counts.ts'
import { inTime } from './embed/deadline.ts'
import { listener, timed } from './embed/events.ts'
import { type OnFault, warnings } from './embed/faults.ts'
import { asMembers, type GroupChange, type NewGroup } from './embed/groups.ts'
import { isForHere } from './embed/here.ts'
import { tellHooks } from './embed/hooks.ts'
import { type CompleteOptions, completeOptions, type NodeOptions } from './embed/options.ts'
import { asUsers, type Before, type PastMessage, type SendAs } from './embed/program.ts'
import { Cluster } from './forwarding/cluster.ts'
import { Gateway } from './gateway/gateway.ts'
import { mediaRoute } from './gateway/media.ts'
import { Origins } from './gateway/origin.ts'
import { routes } from './gateway/routes.ts'
import { Calendar } from './hosts/calendar.ts'
import { startChores } from './hosts/chores.ts'
import { hostGroups } from './hosts/groups/groups.ts'
import { Notes } from './hosts/groups/notes.ts'
import { staying } from './hosts/heartbeat.ts'
import { Keys } from './hosts/keys/keys.ts'
import { beginLife, presented } from './hosts/lives.ts'
import { hostPresence } from './hosts/presence.ts'
import { seeing } from './hosts/seeing.ts'
import { admission, checked } from './hosts/sessions/admission.ts'
import { entrance, removedDevices } from './hosts/sessions/entrance.ts'
import { Sessions } from './hosts/sessions/sessions.ts'
import { oneSpell, type SpellOf, still } from './hosts/spells.ts'
import { backlogOf, hostUsers, type Users } from './hosts/users.ts'
import { Holds } from './media/holds.ts'
import { NodeMedia } from './media/media.ts'
import { Audit } from './operations/audit.ts'
import { Bans, heedBans } from './operations/bans.ts'
import { drainSessions } from './operations/draining.ts'
import { healthRoute } from './operations/health.ts'
import { nodeMetrics } from './operations/metrics.ts'
import { asOperator, type Everywhere, type Page } from './operations/operating.ts'
import { adminRoute, metricsRoute } from './operations/routes.ts'
import { type Webhooks, webhooks } from './operations/webhooks/webhooks.ts'
import type { Millis, Position, UserId } from './protocol/ids.ts'
import type { Lifetime } from './protocol/lifetime.ts'
import { checkOptions, isFlag, isNumber, isText } from './protocol/options.ts'
import {
  Asks,
  type Chore,
  type Clock,
  Router,
  type RuntimeOptions,
  startRuntime,
  systemClock,
} from './runtime/index.ts'
import type { Store, StoreEvents } from './store/contract.ts'
import type { StoreError } from './store/error.ts'

/** A node that is not listening yet. Does no I/O; throws a TypeError or a RangeError for options that cannot be. */
export function createNode(options: NodeOptions) {
  const complete = completeOptions(options)
  let starting: ReturnType<typeof begin> | undefined
  let running: Awaited<ReturnType<typeof begin>> | undefined
  let closing: Promise<void> | undefined
  let hurried = false
  let end: (stopped?: StoreError) => void = () => {}
  const closed = new Promise<void>((resolve, reject) => {
    end = (stopped) => (stopped ? reject(stopped) : resolve())
  })
  // Who does not ask for it is told by `onFault`.
  closed.catch(() => {})
  const node = () => {
    if (running) return running.node
    throw new Error(closing ? 'The node was closed.' : 'The node is not listening; call listen() first.')
  }
  const close = async (overMs: number) => {
    await starting?.catch(() => undefined)
    await running?.leave(overMs, () => hurried)
    const ending = running
    running = undefined
    await ending?.close()
    end()
  }
  const broke: Broke = (error) => {
    hurried = true
    closing ??= close(0)
    // Who ends the process now ends it when the clients have been told.
    systemClock.soon(() => end(error))
  }
  return {
    /**
     * Opens the store and listens. Resolves with the port and the address. Rejects off the loopback without `authenticate`. `shared`: nodes
     * of a cluster on this machine may listen on the same port, and the kernel gives each its part of the connections.
     */
    async listen(where: Where = {}): Promise<{ port: number; url: string }> {
      checkOptions('listen', where, { port: isNumber, host: isText, shared: isFlag })
      const { port = 8080, host = '127.0.0.1', shared = false } = where
      if (shared && !options.cluster)
        throw new RangeError('Only nodes of a cluster share a port: leave out shared, or set cluster.')
      if (shared && port === 0) throw new RangeError('A port that is shared has to be named: it cannot be 0.')
      if (!options.authenticate && !isForHere(host))
        throw new RangeError(`Refusing to listen on ${host} without authentication: pass authenticate to createNode.`)
      if (closing) throw new Error('The node was closed, and lives once: make a new one, with a new store.')
      if (running || starting) throw new Error('The node is listening already.')
      starting = begin(complete, { host, port, shared }, broke)
      try {
        running = await starting
      } finally {
        starting = undefined
      }
      return { port: running.port, url: `ws://${host.includes(':') ? `[${host}]` : host}:${running.port}` }
    },
    /** Sends as a user. Resolves when the message is durable; rejects with SendRefused. */
    send: async (message: SendAs): Promise<Position> => node().send(message),
    /** Sends to many users, each in a chat of their own. Resolves with what became of each. */
    broadcast: async (message: Broadcast): Promise<readonly BroadcastResult[]> => node().broadcast(message),
    /** Makes a group as a user, who is its admin. Resolves with its id; rejects with SendRefused. */
    createGroup: async (group: NewGroup): Promise<string> => node().createGroup(group),
    /** Changes a group as one of its admins. Resolves when the change is durable; rejects with SendRefused. */
    changeGroup: async (change: GroupChange): Promise<Position> => node().changeGroup(change),
    /** A group as it is now; undefined: there is none. */
    group: async (id: string) => node().group(id),
    /**
     * Changes how long the messages of a chat stay, as one of the two users, or an admin of the group: `default`, `permanent`,
     * `temporary`, `delivered MS` or `read MS`. Rejects with SendRefused; repeat it with the `id` of that.
     */
    setLifetime: async (from: string, chat: string, lifetime: Lifetime, id?: string): Promise<Position> =>
      node().setLifetime(from, chat, lifetime, id),
    /** What a user's history keeps of a permanent chat, newest first, at most `limit` (default 100): older than `before`, or the newest. */
    history: async (
      user: string,
      chat: string,
      options?: { readonly before?: Before | undefined; readonly limit?: number },
    ): Promise<readonly PastMessage[]> => node().history(user, chat, options),
    /** Deletes a chat for a user: from the inbox and the history, and its media. Rejects with SendRefused; to repeat it is harmless. */
    deleteChat: async (user: string, chat: string): Promise<void> => node().deleteChat(user, chat),
    /**
     * Ends the sessions of a user, or of one device, as when your service has ended them: their clients come back, and
     * `authenticate` is asked again. Resolves with how many were ended.
     */
    disconnect: async (user: string, device?: string): Promise<number> => node().disconnect(user, device),
    /** Users who are connected, in the order of their names (default: the first 100), and how many they are in all. */
    online: async (page?: Page) => node().online(page),
    /** Users who are stored, in the order of the store (default: 100 of them), and behind whom the next page begins; null: there are no more. */
    users: async (page?: Page) => node().users(page),
    /** Through which devices a user is connected, and from where. */
    sessions: async (user: string) => node().sessions(user),
    /**
     * Deletes a message of the last day for everybody: from inboxes, histories, and the log of its group. Resolves with whose logs had
     * it; devices that have it are told. Rejects with SendRefused.
     */
    deleteMessage: async (id: string): Promise<readonly string[]> => node().deleteMessage(id),
    /** Ends the sessions of a user, and lets them in no more, also after a restart. Resolves when that is durable; else repeat it. */
    ban: async (user: string): Promise<void> => node().ban(user),
    /** Resolves with whether they were banned. */
    unban: async (user: string): Promise<boolean> => node().unban(user),
    /** Who is banned. */
    bans: async (): Promise<readonly string[]> => node().bans(),
    /** What is known of a user; undefined: nothing. */
    inspect: async (user: string) => node().inspect(user),
    /**
     * What is kept of a user, as lines of JSON with their media, the last of which is `end`; docs/operations.md says what is in them. It is read
     * as fast as you take it. Throws SendRefused for a user who cannot be.
     */
    exportUser: (user: string): AsyncIterable<string> => node().exportUser(user),
    /**
     * Erases what is kept of a user, who is banned from then on and leaves all groups; docs/operations.md says what stays. Resolves when it is
     * done, with the groups that they have left; repeat it where it rejects, which is harmless.
     */
    eraseUser: async (user: string) => node().eraseUser(user),
    /** Users whose erasure is not over: it goes on by itself, at the start of a node and each hour; `unban` ends it. */
    erasures: async () => node().erasures(),
    /** What became of a message of the last day, step by step; empty: it is not known. */
    trace: async (id: string) => node().trace(id),
    /** The cluster as this node knows it; undefined: it is in none. */
    cluster: () => node().cluster(),
    /** Events that the service of `webhooks` did not take, and that were given up, the latest first; at most `limit`. */
    deadWebhooks: async (limit?: number) => node().deadWebhooks(limit),
    /** Counters of this node. */
    stats: () => node().stats(),
    /** The same and more for Prometheus, in its text format: what `GET /metrics` answers. */
    metrics: async (): Promise<string> => node().metrics(),
    /**
     * Drains: accepts nothing new, flushes, tells clients to come back, closes the store. `overMs`: so long it goes on before that, says at
     * `/readyz` that it is not ready, and in the last two thirds of the time ends its sessions little by little; called again without, at once.
     */
    async close(how: { overMs?: number } = {}): Promise<void> {
      checkOptions('close', how, { overMs: isNumber })
      const { overMs = 0 } = how
      if (overMs === 0) hurried = true
      closing ??= close(overMs)
      await closing
    },
    /**
     * Resolves when the node has closed. Rejects with a StoreError when it had to stop: a write failed after which this process
     * can write no more. Nothing is lost that was said to be sent; end the process, and start it anew.
     */
    closed,
    /** Closes: `await using node = createNode(…)`. */
    async [Symbol.asyncDispose](): Promise<void> {
      await this.close()
    },
  }
}

/** Where a node listens. */
type Where = { host?: string; port?: number; shared?: boolean }

/** Ends the node, since it cannot go on; without a reason as planned. */
type Broke = (error?: StoreError) => void

/** What `createNode` answers. */
export type BluetickNode = ReturnType<typeof createNode>

/** Starts, and listens; where it cannot, everything is closed again. */
async function begin(options: CompleteOptions, { host, port, shared }: Required<Where>, broke: Broke) {
  const started = await start(options, broke)
  const bound = await started.gateway.listen(host, port, shared).catch(async (error) => {
    await started.close()
    throw error
  })
  return { ...started, port: bound }
}

async function start(options: CompleteOptions, broke: Broke, given: Clock = systemClock) {
  const heard = options.onFault ?? warnings(given)
  // One that throws is the embedder's bug, and must not cost anybody here a turn.
  const counts = new Counts()
  const onFault = countedFaults(counts, (fault) => given.soon(() => heard(fault)))
  await openStores(options, onFault, broke)
  const hosts = await startHosts(options, onFault, given, {}, counts, broke)
  try {
    await hosts.join()
  } catch (error) {
    await shut(hosts, options.store)
    throw error
  }
  return withSockets(options, onFault, hosts)
}

/** Both stores are open, or none. `broke`: one can write no more. */
async function openStores({ store, media }: CompleteOptions, onFault: OnFault, broke: Broke) {
  const eventsOf = (where: 'store' | 'media'): StoreEvents => ({
    damaged: (error) => onFault({ where, error }),
    broke: (error) => {
      onFault({ where, error })
      broke(error)
    },
  })
  await store.open(eventsOf('store'))
  try {
    await media?.open(eventsOf('media'))
  } catch (error) {
    await store.close()
    throw error
  }
}

/**
 * All of a node but its sockets: actors, sessions, what a program may ask, and what is done again and again. The store is open.
 * A simulation starts it with a clock of its own, and sizes that are met sooner.
 */
export async function startHosts(
  options: CompleteOptions,
  onFault: OnFault,
  given: Clock,
  sizes: Partial<RuntimeOptions> = {},
  counts = new Counts(),
  broke: Broke = () => {},
) {
  const { store, limits, heartbeatSeconds } = options
  const { term, life } = await beginLife(store, given)
  const listens = listener(options.onEvent, given, onFault)
  const onEvent = countedEvent(counts, (event) => {
    listens?.(event)
    hooked?.heard(event)
  })
  const calendar = new Calendar(given, await store.reckoning())
  store.goBy?.(calendar)
  const clock: Clock = { ...given, now: () => calendar.now() }
  const media = options.media && new NodeMedia(options.media, limits, clock)
  const cluster =
    options.cluster && (await Cluster.open(options.cluster, { store, clock: given, life: term, onFault, broke }))
  const alone = cluster ? undefined : store.cluster && (await beAlone(store.cluster, term, given, broke))
  const runtime = startRuntime({
    ...sizes,
    ...(cluster && { shards: cluster.shards }),
    clock,
    crashed: (error) => onFault({ where: 'actor', error }),
    write: () => store.laps?.begin(),
  })
  const asks = new Asks<Accepted>(runtime.wheel, 10_000, { is: 'refused', code: 'busy' })
  const local = new Router(asks)
  const router: NodeRouter = cluster ? cluster.route(local, asks, runtime) : local
  const hooks = inTime(runtime, onFault)
  const authenticate: Authenticate = options.authenticate
    ? hooks.ask('authenticate', options.authenticate)
    : (token) => (token ? { user: token } : undefined)
  const bans = await Bans.load(store)
  const enter = entrance({ authenticate, banned: (user) => bans.has(user), limits, clock, onFault, onEvent })
  const keys = new Keys({
    store,
    router,
    limits,
    clock,
    sealing: options.e2ee ?? 'off',
    realm: options.realm ?? '',
    isAlone: options.cluster === undefined,
    swallows: options.blocked === 'swallowed',
    tell: (user, device, frame) => sessions.tell(user, device, frame),
  })
  const sessions: Sessions = new Sessions({
    runtime,
    router,
    limits: { ...limits, lifetime: options.lifetime },
    heartbeatMs: heartbeatSeconds * 1000,
    enter,
    onEvent,
    counts,
    admit: checked(
      (from, send) => keys.check(from, send),
      admission(options.allow && hooks.ask('allow', options.allow), media),
    ),
    keys: (asker, frame) => keys.answer(asker, frame),
    life,
    presented: (cursor) => presented(store, { term, life }, cursor),
    numbers: cluster?.numbers,
    ended: cluster?.ended,
    homeOf: cluster?.homeOf,
  })
  const far = cluster?.sessions(sessions)
  const everywhere = far ?? sessions
  const spellOf: SpellOf = cluster ? cluster.spellOf : spellAlone(store, term, alone)
  const isAway = (user: UserId): boolean => !users.peek(user)?.log.readers.some(({ session }) => session !== 0)
  const [events, holds, notes] = [
    countedEvents(counts, tellHooks(options, clock, isAway)),
    new Holds(media),
    new Notes(spellOf),
  ]
  const { lifetime } = options
  const logs = {
    runtime,
    router,
    store,
    spellOf,
    term,
    limits,
    lifetime,
    sessions: everywhere,
    events,
    holds,
    calendar,
    onFault,
    timed: timed(given, (ms) => counts.appends.add(ms), onEvent),
  }
  const hooked: Webhooks | undefined = options.webhooks && webhooks(options.webhooks, { ...logs, clock, isAway })
  const followed = { ...logs, follower: hooked?.follower }
  const replayed = (entries: number) => {
    counts.replayed += entries
  }
  const ticked = (delivered: number, read: number) => {
    counts.delivered += delivered
    counts.read += read
  }
  const users: Users = hostUsers({ ...followed, replayed, ticked, life, swallows: options.blocked === 'swallowed' })
  const groups = hostGroups({ ...followed, notes })
  const presence = hostPresence({
    runtime,
    router,
    store,
    spellOf,
    sessions: everywhere,
    threshold: options.onlineMs,
  })
  const resume = () =>
    notes.resume(
      store,
      () => true,
      (group, message) => router.tell(toGroup(group), message),
    )
  const join = async () => {
    await hooked?.begin()
    const banned = (user: UserId, is: boolean) => {
      bans.heard(user, is)
      if (is) sessions.disconnect(user, undefined, 'banned')
    }
    if (!cluster || !far) return resume()
    await cluster.join({ runtime, sessions, notes, banned, erasures: node.resumeErasures }, far)
    // From here on it is told; who was banned before the store knows.
    await bans.reload()
  }
  const anywhere: Everywhere = cluster ? cluster.everywhere(sessions) : sessions
  const isHere = (id: string): boolean => cluster?.isHere(id) ?? true
  const members = asMembers({ router, clock, limits })
  const program = asUsers({ router, clock, store, limits, media })
  const node = {
    ...program,
    broadcast: (message: Broadcast) => broadcast(program.send, message),
    ...members,
    ...asOperator({
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
    }),
    cluster: () => cluster?.known(),
    drain: () => broke(),
    stats: () => ({ sessions: sessions.size, users: users.size, ...runtime.counters }),
    deadWebhooks: async (limit = 100) => (await hooked?.dead(limit)) ?? [],
  }
  const stay = { everyMs: limits.deviceAwayMs / 4, task: staying(router, () => everywhere.users()) }
  const chores = [
    stay,
    seeing(everywhere, spellOf, clock, options.onlineMs),
    ...(cluster ? [reloading(bans, sessions)] : []),
    { everyMs: resumeMs, task: () => node.resumeErasures().then(() => 0) },
  ]
  const choresEnded = startChores({ runtime, store, calendar, media, holds, isHere, spellOf, onFault }, chores)
  return {
    node,
    cluster,
    alone,
    join,
    runtime,
    clock,
    asks,
    hooks,
    router,
    sessions,
    users,
    groups,
    presence,
    media,
    hooked,
    enter,
    onEvent,
    metrics: nodeMetrics({
      counts,
      stats: node.stats,
      store,
      groups: () => groups.size,
      backlog: () => backlogOf(users),
      cluster: cluster && (() => cluster.known()),
      media: media && (() => ({ ...media.traffic, transfers: media.allowance.transfers })),
      webhooks: hooked?.figures,
    }),
    choresEnded,
  }
}

type Hosts = Awaited<ReturnType<typeof startHosts>>

function withSockets(options: CompleteOptions, onFault: OnFault, hosts: Hosts) {
  const { store, limits, heartbeatSeconds, trusts } = options
  const { node, cluster, clock, router, sessions, media, enter, onEvent, metrics } = hosts
  const asksToken = options.authenticate !== undefined
  const refused = (why: string) => onFault({ where: 'origin', error: why })
  const origins = new Origins({ asksToken, allowed: options.allowOrigins, refused }, clock)
  const who = { token: options.operatorToken, open: !asksToken }
  const audit = new Audit(onEvent, clock)
  const sealing = options.e2ee ?? 'off'
  let stops = false
  const leave = (overMs: Millis, hurried: () => boolean) => {
    stops = true
    return drainSessions(clock, sessions, overMs, hurried)
  }
  const standing = () => (stops ? 'the node is stopping' : (cluster?.standing ?? 'up'))
  const isReady = () => standing() === 'up'
  const route = routes({
    health: healthRoute(store, standing, cluster !== undefined),
    media: mediaRoute({ media, enter, removed: removedDevices(router), origins }),
    operators: adminRoute({ ...who, node, onEvent, audit }),
    metrics: metricsRoute({ ...who, metrics }),
    sealing: sealing === 'off' ? undefined : { realm: options.realm ?? '', required: sealing === 'required' },
  })
  const gateway = new Gateway(sessions, { limits, heartbeatSeconds, origins, trusts, route, isReady, onEvent })
  const close = () => {
    audit.end()
    return drain(hosts, gateway, store)
  }
  return { node: { ...node, metrics: metrics.read }, gateway, leave, close }
}

async function drain(hosts: Hosts, gateway: Gateway, store: CompleteOptions['store']): Promise<void> {
  const { runtime, cluster, clock, asks, hooks, sessions, users, groups, presence, media, hooked } = hosts
  gateway.stopListening()
  await cluster?.leave()
  sessions.closeAll('going_away')
  // What the program has let in is sent, what it is still asked about as well.
  await drained(clock, () => asks.size === 0 && hooks.waiting() === 0)
  await drained(clock, () => {
    runtime.wheel.hurry()
    return users.quiet && groups.quiet && presence.quiet
  })
  gateway.close()
  await hooked?.close((done) => drained(clock, done))
  await drained(clock, () => media?.quiet ?? true)
  await shut(hosts, store)
}

async function shut(
  { runtime, cluster, alone, choresEnded, media }: Hosts,
  store: CompleteOptions['store'],
): Promise<void> {
  await cluster?.close()
  runtime.stop()
  alone?.hurry()
  await choresEnded()
  await media?.store.close()
  await alone?.end()
  await store.close()
  runtime.end()
}

/** Milliseconds between looks at which erasures are not over: each that cannot be is tried again so often, and at the start. */
const resumeMs = 3_600_000

/** Whom operators keep out on another node, which could not say so. */
const reloading = (bans: Bans, sessions: Sessions): Chore => ({
  everyMs: 30_000,
  task: () => heedBans(bans, sessions).then(() => 0),
})

/** The spell of a node that has its store for itself; where several could share it, it counts while that is certain. */
function spellAlone(store: Store, term: number, alone: Alone | undefined): SpellOf {
  if (!alone) return oneSpell(store, term)
  return oneSpell(store.under?.(term, () => still(alone)) ?? store, term, alone.heed)
}

/** Waits until `done`, but at most 5 s: what is not done then a restart recovers. */
async function drained(clock: Clock, done: () => boolean): Promise<void> {
  const until = clock.monotonic() + 5_000
  do await new Promise<void>((resolve) => clock.after(10, resolve))
  while (!done() && clock.monotonic() < until)
}
