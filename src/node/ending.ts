/** The end of a node as planned: nothing new comes in, what is under way is brought to its end, and all is closed. */
import type { Gateway } from '../gateway/gateway.ts'
import type { Clock } from '../runtime/index.ts'
import type { Store } from '../store/contract.ts'
import type { Hosts } from './hosts.ts'

export async function drain(hosts: Hosts, gateway: Gateway, store: Store): Promise<void> {
  const { runtime, cluster, clock, asks, hooks, sessions, users, groups, presence, media, hooked, endChores } = hosts
  gateway.stopListening()
  // Those under way are waited for last: their answers may be held back until the cluster is left.
  void endChores()
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

export async function shut({ runtime, cluster, alone, endChores, media }: Hosts, store: Store): Promise<void> {
  await cluster?.close()
  runtime.stop()
  alone?.hurry()
  await endChores()
  await media?.store.close()
  await alone?.end()
  await store.close()
  runtime.end()
}

/** Waits until `done`, but at most 5 s: what is not done then a restart recovers. */
async function drained(clock: Clock, done: () => boolean): Promise<void> {
  const until = clock.monotonic() + 5_000
  do await new Promise<void>((resolve) => clock.after(10, resolve))
  while (!done() && clock.monotonic() < until)
}
