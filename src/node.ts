/** A node: store, actors and gateway put together. */
import type { Accepted } from '../actors/user/types.ts'
import { Gateway } from './gateway/gateway.ts'
import { mediaRoute } from './gateway/media.ts'
import { routes } from './gateway/routes.ts'
import { admission } from './hosts/admission.ts'
import { inTime } from './hosts/asked.ts'
import { type Groups, hostGroups, resumeGroups } from './hosts/groups.ts'
import { type Hooks, tellHooks } from './hosts/hooks.ts'
import { Keeping } from './hosts/keeping.ts'
import { Passing } from './hosts/passing.ts'
import type { Allow, Authenticate } from './hosts/ports.ts'
import { hostPresence } from './hosts/presence.ts'
import { asUsers, type Before, type PastMessage, type SendAs } from './hosts/program.ts'
import { repeatedly } from './hosts/repeatedly.ts'
import { Sessions } from './hosts/sessions.ts'
import { staying } from './hosts/staying.ts'
import { hostUsers, type Users } from './hosts/users.ts'
import { inspectMessage, inspectUser } from './inspect.ts'
import type { MediaStore } from './media/contract.ts'
import { NodeMedia } from './media/media.ts'
import { isCount, isMessageId, type Millis, type Position, type UserId } from './protocol/ids.ts'
import type { Lifetime } from './protocol/lifetime.ts'
import { completeLimits, type Limits } from './protocol/limits.ts'
import { Asks, startRuntime } from './runtime/index.ts'
import type { Store } from './store/contract.ts'

/** Milliseconds between looks at which messages that held media have vanished. */
const passingMs = 600_000

export type NodeOptions = Hooks & {
  readonly store: Store
  /** Where pictures, videos and other files are kept. Without it the node takes none. */
  readonly media?: MediaStore
  /** Who a token stands for. Without it the node listens on loopback only, and a token is simply the user's name. */
  readonly authenticate?: Authenticate
  /** Decides on each send before it is delivered. Default: all are allowed. */
  readonly allow?: Allow
  readonly limits?: Partial<Limits>
  /**
   * What becomes of messages from someone whom the recipient has blocked. `told` (default): they are refused with `blocked`.
   * `swallowed`: they vanish, and their sender is told "sent", and never "delivered".
   */
  readonly blocked?: 'told' | 'swallowed'
  /** Milliseconds after the last activity at which a connected user counts as gone. Default 20,000; 0: connected means online. */
  readonly onlineMs?: Millis
  /** Seconds after which a silent connection is dead, 8 to 960. Default 30. */
  readonly heartbeatSeconds?: number
  /** Opens `/inspect` to whoever bears it. Without it only the loopback may look. */
  readonly inspectToken?: string
}

/** A node that is not listening yet. Does no I/O; throws a TypeError or a RangeError for options that cannot be. */
export function createNode(options: NodeOptions) {
  if (typeof options?.store?.open !== 'function')
    throw new TypeError('createNode needs a store: lmdbStore(folder), cassandraStore(options) or memoryStore()')
  const limits = completeLimits(options.limits)
  const heartbeat = options.heartbeatSeconds ?? 30
  if (!(heartbeat >= 8 && heartbeat <= 960)) throw new RangeError('heartbeatSeconds must be 8 to 960')
  const onlineMs = options.onlineMs ?? 20_000
  if (!isCount(onlineMs)) throw new RangeError('onlineMs must be a whole number from 0')
  let running: Awaited<ReturnType<typeof start>> | undefined
  const node = () => {
    if (!running) throw new Error('The node is not listening; call listen() first.')
    return running.node
  }
  return {
    /** Opens the store and listens. Resolves with the port and the address. Rejects off the loopback without `authenticate`. */
    async listen({
      port = 8080,
      host = '127.0.0.1',
    }: {
      port?: number
      host?: string
    } = {}): Promise<{ port: number; url: string }> {
      if (!options.authenticate && !/^(127(\.\d{1,3}){3}|localhost|::1)$/.test(host)) {
        throw new Error(
          `Refusing to listen on ${host} without authentication: set a secret (--secret-file) or pass authenticate.`,
        )
      }
      if (running) throw new Error('The node is listening already.')
      const starting = await start({ ...options, onlineMs }, limits, heartbeat)
      try {
        const bound = await starting.gateway.listen(host, port)
        running = starting
        return { port: bound, url: `ws://${host.includes(':') ? `[${host}]` : host}:${bound}` }
      } catch (error) {
        await starting.close()
        throw error
      }
    },
    /** Sends as a user. Resolves when the message is durable; rejects with SendRefused. */
    send: async (message: SendAs): Promise<Position> => node().send(message),
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
    /** What is known of a user; undefined: nothing. */
    inspect: async (user: string) => node().inspect(user),
    /** What became of a message of the last day, step by step; empty: it is not known. */
    trace: async (id: string) => node().trace(id),
    /** Counters of this node. */
    stats: () => node().stats(),
    /** Drains: accepts nothing new, flushes, tells clients to come back, closes the store. */
    async close(): Promise<void> {
      const closing = running
      running = undefined
      await closing?.close()
    },
  }
}

async function start(options: NodeOptions & { onlineMs: Millis }, limits: Limits, heartbeatSeconds: number) {
  const { store } = options
  await store.open()
  try {
    await options.media?.open()
  } catch (error) {
    await store.close()
    throw error
  }
  const media = options.media && new NodeMedia(options.media, limits)
  const term = await store.takeTerm()
  const runtime = startRuntime()
  const asks = new Asks<Accepted>(runtime.wheel, 10_000, { is: 'refused', code: 'busy' })
  const asked = inTime(runtime, options.onFault)
  const authenticate: Authenticate = options.authenticate
    ? asked('authenticate', options.authenticate)
    : (token) => (token ? { user: token } : undefined)
  const sessions: Sessions = new Sessions({
    runtime,
    asks,
    limits,
    heartbeatMs: heartbeatSeconds * 1000,
    authenticate,
    admit: admission(options.allow && asked('allow', options.allow), media),
    actors: () => ({ users, groups, presence }),
  })
  const events = tellHooks(options, (chat) => users.peek(chat)?.epoch ?? groups.peek(chat)?.log.epoch ?? 0)
  const keeping = new Keeping(media)
  const users: Users = hostUsers({
    runtime,
    store,
    term,
    limits,
    sessions,
    answer: (ticket, answer) => asks.answer(ticket, answer),
    events,
    keeping,
    groups: () => groups,
    swallows: options.blocked === 'swallowed',
    show: (user, settings) => presence.tellIfPresent(user, { is: 'settings', settings }),
  })
  const groupContext = { runtime, store, term, limits, sessions, asks, events, keeping, users: () => users }
  const groups: Groups = hostGroups(groupContext)
  await resumeGroups(groupContext, groups)
  const attachedTo = (user: UserId) =>
    (users.peek(user)?.devices ?? []).flatMap(({ session }) => (session === 0 ? [] : [session]))
  const presence = hostPresence({
    runtime,
    store,
    sessions,
    devices: (user) => sessions.presences(attachedTo(user)),
    threshold: options.onlineMs,
  })
  const node = {
    ...asUsers({ users, groups, asks, store, limits, media }),
    inspect: (user: string) => inspectUser(users, presence, store, term, user as UserId),
    trace: async (id: string) => (isMessageId(id) ? inspectMessage(users, store, id) : []),
    stats: () => ({ sessions: sessions.size, users: users.size, ...runtime.counters }),
  }
  const anyOrigin = options.authenticate !== undefined
  const route = routes({
    store,
    media: mediaRoute({ media, authenticate, anyOrigin }),
    inspectToken: options.inspectToken,
    inspect: node.inspect,
    trace: node.trace,
    stats: node.stats,
  })
  const gateway = new Gateway(sessions, {
    limits,
    heartbeatSeconds,
    anyOrigin,
    route,
  })
  const expired = async () => {
    const { entries, dedupeKeys } = await store.expire(Date.now())
    return entries + dedupeKeys
  }
  const chores = [
    repeatedly(runtime, 60_000, expired),
    repeatedly(
      runtime,
      limits.deviceAwayMs / 4,
      staying(users, () => sessions.users()),
    ),
  ]
  if (media) {
    const passing = new Passing(store, media, keeping)
    chores.push(repeatedly(runtime, 60_000, () => media.store.collect(Date.now())))
    chores.push(repeatedly(runtime, passingMs, () => passing.look(Date.now())))
  }
  const close = async () => {
    gateway.stopListening()
    sessions.closeAll('going_away')
    await drained(() => asks.size === 0)
    await drained(() => {
      runtime.wheel.hurry()
      return users.quiet && groups.quiet && presence.quiet
    })
    gateway.close()
    await drained(() => media?.quiet ?? true)
    runtime.stop()
    for (const ended of chores) await ended()
    await media?.store.close()
    await store.close()
  }
  return { node, gateway, close }
}

/** Waits until `done`, but at most 5 s: what is not done then a restart recovers. */
async function drained(done: () => boolean): Promise<void> {
  const until = Date.now() + 5_000
  do await new Promise((resolve) => setTimeout(resolve, 10))
  while (!done() && Date.now() < until)
}
