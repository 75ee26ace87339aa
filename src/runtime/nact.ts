/**
 * The one file that knows nact. It names actors, has them in a tree, and supervises them; turns they have in laps (turns.ts), since
 * nact takes a task of the event loop for each message of each actor. Nothing that nact keeps may be lost with it: mail waits in our
 * mailboxes, a crash is a value for our supervisor, and no actor with many children is ever sent a message.
 */
import { createRequire } from 'node:module'
import type { Clock } from './clock.ts'

type Reference = { readonly path: { readonly parts: readonly string[] } }
type Supervision = { readonly stop: symbol }
type Options = { readonly onCrash: (message: unknown, error: unknown, context: Supervision) => symbol }
type Nact = {
  start(): Reference
  /** Not `spawnStateless`: that puts a policy of its own, to resume, in the place of ours. */
  spawn(
    parent: Reference,
    handler: (state: unknown, message: unknown) => void,
    name: string,
    options: Options,
  ): Reference
  dispatch(to: Reference, message: unknown, sender: Reference): void
  stop(actor: Reference): void
}
const nact = createRequire(import.meta.url)('nact') as Nact

export type Actor = {
  readonly path: string
  /** It has crashed: its supervisor stops it, and hears of it a little later. */
  fail(error: unknown): void
  stop(): void
}
export type Shards = {
  /** `crashed`: what its supervisor does when it has failed. */
  spawn(shard: number, crashed: (error: unknown) => void): Actor
  /** Nobody hears of failures any more. nact keeps each tree that was not stopped, with all that it refers to. */
  stop(): void
}

/** The one message of an actor of nact's. */
const fail = (_: unknown, error: unknown) => {
  throw error
}

/** Starts a node's tree: node, shard supervisors, and below them the actors that `spawn` adds. Names are counters: nact allows few characters. */
export function startShards(count: number, clock: Pick<Clock, 'soon'>): Shards {
  const node = nact.start()
  const none = { onCrash: (_: unknown, __: unknown, context: Supervision) => context.stop }
  const shards = Array.from({ length: count }, (_, n) => nact.spawn(node, () => {}, `shard-${n}`, none))
  let [names, stopped] = [0, false]
  return {
    stop() {
      stopped = true
      nact.stop(node)
    },
    spawn(shard, crashed) {
      const onCrash = (_: unknown, error: unknown, context: Supervision) => {
        // A throw from here would be an unhandled rejection within nact: the supervisor runs after it.
        clock.soon(() => crashed(error))
        return context.stop
      }
      if (stopped) return { path: '', fail: () => {}, stop: () => {} }
      names += 1
      const actor = nact.spawn(shards[shard] as Reference, fail, `a${names}`, { onCrash })
      return {
        path: `/${actor.path.parts.join('/')}`,
        fail: (error) => nact.dispatch(actor, error, node),
        stop: () => nact.stop(actor),
      }
    },
  }
}
