/// <reference lib="esnext.disposable" preserve="true" />
/** A node, as a program has it. src/node/ puts it together. */

import type { Broadcast, BroadcastResult } from './embed/broadcast.ts'
import type { GroupChange, NewGroup } from './embed/groups.ts'
import { completeOptions, type NodeOptions } from './embed/options.ts'
import type { Before, PastMessage, SendAs } from './embed/program.ts'
import { NodeLife } from './node/life.ts'
import type { Where } from './node/start.ts'
import type { Page } from './operations/operating.ts'
import type { Position } from './protocol/ids.ts'
import type { Lifetime } from './protocol/lifetime.ts'

/** A node that is not listening yet. Does no I/O; throws a TypeError or a RangeError for options that cannot be. */
export function createNode(options: NodeOptions) {
  const life = new NodeLife(completeOptions(options))
  return {
    /**
     * Opens the store and listens. Resolves with the port and the address. Rejects off the loopback without `authenticate`. `shared`: nodes
     * of a cluster on this machine may listen on the same port, and the kernel gives each its part of the connections.
     */
    listen: (where: Where = {}): Promise<{ port: number; url: string }> => life.listen(where),
    /** Sends as a user. Resolves when the message is durable; rejects with SendRefused. */
    send: async (message: SendAs): Promise<Position> => life.node.send(message),
    /** Sends to many users, each in a chat of their own. Resolves with what became of each. */
    broadcast: async (message: Broadcast): Promise<readonly BroadcastResult[]> => life.node.broadcast(message),
    /** Makes a group as a user, who is its admin. Resolves with its id; rejects with SendRefused. */
    createGroup: async (group: NewGroup): Promise<string> => life.node.createGroup(group),
    /** Changes a group as one of its admins. Resolves when the change is durable; rejects with SendRefused. */
    changeGroup: async (change: GroupChange): Promise<Position> => life.node.changeGroup(change),
    /** A group as it is now; undefined: there is none. */
    group: async (id: string) => life.node.group(id),
    /**
     * Changes how long the messages of a chat stay, as one of the two users, or an admin of the group: `default`, `permanent`,
     * `temporary`, `delivered MS` or `read MS`. Rejects with SendRefused; repeat it with the `id` of that.
     */
    setLifetime: async (from: string, chat: string, lifetime: Lifetime, id?: string): Promise<Position> =>
      life.node.setLifetime(from, chat, lifetime, id),
    /** What a user's history keeps of a permanent chat, newest first, at most `limit` (default 100): older than `before`, or the newest. */
    history: async (
      user: string,
      chat: string,
      options?: { readonly before?: Before | undefined; readonly limit?: number },
    ): Promise<readonly PastMessage[]> => life.node.history(user, chat, options),
    /** Deletes a chat for a user: from the inbox and the history, and its media. Rejects with SendRefused; to repeat it is harmless. */
    deleteChat: async (user: string, chat: string): Promise<void> => life.node.deleteChat(user, chat),
    /**
     * Ends the sessions of a user, or of one device, as when your service has ended them: their clients come back, and
     * `authenticate` is asked again. Resolves with how many were ended.
     */
    disconnect: async (user: string, device?: string): Promise<number> => life.node.disconnect(user, device),
    /** Users who are connected, by whatever node, in the order of their names (default: the first 100), and how many they are in all. */
    online: async (page?: Page) => life.node.online(page),
    /** Users who are stored, in the order of the store (default: 100 of them), and behind whom the next page begins; null: there are no more. */
    users: async (page?: Page) => life.node.users(page),
    /** Through which devices a user is connected, from where, and in a cluster by which node. */
    sessions: async (user: string) => life.node.sessions(user),
    /**
     * Deletes a message of the last day for everybody: from inboxes, histories, and the log of its group. Resolves with whose logs had
     * it; devices that have it are told. Rejects with SendRefused.
     */
    deleteMessage: async (id: string): Promise<readonly string[]> => life.node.deleteMessage(id),
    /** Ends the sessions of a user, and lets them in no more, also after a restart. Resolves when that is durable; else repeat it. */
    ban: async (user: string): Promise<void> => life.node.ban(user),
    /** Resolves with whether they were banned. */
    unban: async (user: string): Promise<boolean> => life.node.unban(user),
    /** Who is banned. */
    bans: async (): Promise<readonly string[]> => life.node.bans(),
    /** What is known of a user; undefined: nothing. */
    inspect: async (user: string) => life.node.inspect(user),
    /**
     * What is kept of a user, as lines of JSON with their media, the last of which is `end`; docs/operations.md says what is in them. It is read
     * as fast as you take it. Throws SendRefused for a user who cannot be.
     */
    exportUser: (user: string): AsyncIterable<string> => life.node.exportUser(user),
    /**
     * Erases what is kept of a user, who is banned from then on and leaves all groups; docs/operations.md says what stays. Resolves when it is
     * done, with the groups that they have left; repeat it where it rejects, which is harmless.
     */
    eraseUser: async (user: string) => life.node.eraseUser(user),
    /** Users whose erasure is not over: it goes on by itself, at the start of a node and each hour; `unban` ends it. */
    erasures: async () => life.node.erasures(),
    /** What became of a message of the last day, step by step; empty: it is not known. */
    trace: async (id: string) => life.node.trace(id),
    /** The cluster as this node knows it; undefined: it is in none. */
    cluster: () => life.node.cluster(),
    /** Events that the service of `webhooks` did not take, and that were given up, the latest first; at most `limit`. */
    deadWebhooks: async (limit?: number) => life.node.deadWebhooks(limit),
    /** Counters of this node. */
    stats: () => life.node.stats(),
    /** The same and more for Prometheus, in its text format: what `GET /metrics` answers. */
    metrics: async (): Promise<string> => life.node.metrics(),
    /**
     * Drains: accepts nothing new, flushes, tells clients to come back, closes the store. `overMs`: so long it goes on before that, says at
     * `/readyz` that it is not ready, and in the last two thirds of the time ends its sessions little by little; called again without, at once.
     */
    close: (how: { overMs?: number } = {}): Promise<void> => life.close(how),
    /**
     * Resolves when the node has closed. Rejects with a StoreError when it had to stop: a write failed after which this process
     * can write no more. Nothing is lost that was said to be sent; end the process, and start it anew.
     */
    closed: life.closed,
    /** Closes: `await using node = createNode(…)`. */
    async [Symbol.asyncDispose](): Promise<void> {
      await life.close({})
    },
  }
}

/** What `createNode` answers. */
export type BluetickNode = ReturnType<typeof createNode>
