/// <reference lib="esnext.disposable" preserve="true" />
/** A node, as a program has it. src/node/ puts it together. */

import type { Broadcast, BroadcastResult } from './embed/broadcast.ts'
import type { GroupChange, NewGroup } from './embed/groups.ts'
import { isForHere } from './embed/here.ts'
import { completeOptions, type NodeOptions } from './embed/options.ts'
import type { Before, PastMessage, SendAs } from './embed/program.ts'
import type { Broke } from './node/base.ts'
import { listening, type Where } from './node/start.ts'
import type { Page } from './operations/operating.ts'
import type { Position } from './protocol/ids.ts'
import type { Lifetime } from './protocol/lifetime.ts'
import { checkOptions, isFlag, isNumber, isText } from './protocol/options.ts'
import { systemClock } from './runtime/index.ts'
import type { StoreError } from './store/error.ts'

/** A node that is not listening yet. Does no I/O; throws a TypeError or a RangeError for options that cannot be. */
export function createNode(options: NodeOptions) {
  const complete = completeOptions(options)
  let starting: ReturnType<typeof listening> | undefined
  let running: Awaited<ReturnType<typeof listening>> | undefined
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
      starting = listening(complete, { host, port, shared }, broke)
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
    /** Users who are connected, by whatever node, in the order of their names (default: the first 100), and how many they are in all. */
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

/** What `createNode` answers. */
export type BluetickNode = ReturnType<typeof createNode>
