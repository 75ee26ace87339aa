/** The actor runtime: bounded mailboxes, supervision, hibernation and timers on top of nact. */
import type { Millis } from '../protocol/ids.ts'
import { type Behaviour, type Counters, defaultRuntimeOptions, type RuntimeOptions } from './behaviour.ts'
import type { Clock } from './clock.ts'
import { Entities } from './entities.ts'
import { startShards } from './nact.ts'
import { Turns } from './turns.ts'
import { Wheel } from './wheel.ts'

export { Asks } from './asks.ts'
export type { DeadLetter, RuntimeOptions } from './behaviour.ts'
export { type Chore, startChore } from './chores.ts'
export { type Clock, type ClockFace, deadline, othersTurn, systemClock, type Times } from './clock.ts'
export { Durations, type Took } from './durations.ts'
export type { Entities } from './entities.ts'
export { hash, shardOf } from './hash.ts'
export { type Address, Router, type Routing } from './router.ts'
export type { Turns } from './turns.ts'

export type Runtime = {
  readonly clock: Clock
  readonly wheel: Wheel
  readonly turns: Turns
  readonly counters: Counters
  host<State, Message, Effect, Kept, Known = unknown>(
    behaviour: Behaviour<State, Message, Effect, Kept, Known>,
  ): Entities<State, Message, Effect, Known>
  /** Drops the actors of a shard, with what is unsaved flushed, within `mostMs`. Who is told something after that starts anew, from the store. */
  release(shard: number, mostMs: Millis): Promise<void>
  /** Drops them at once, as by a crash. */
  drop(shard: number): void
  /** Stops time; what is in mailboxes is still handled. */
  stop(): void
  /** Nothing is handled any more. */
  end(): void
}

/** Starts a runtime; timers run from here on. */
export function startRuntime(options: Partial<RuntimeOptions> = {}): Runtime {
  const all = { ...defaultRuntimeOptions, ...options }
  const shards = startShards(all.supervisors, all.clock)
  const wheel = new Wheel(all.clock)
  wheel.start()
  const turns = new Turns(all.clock, all)
  type Kind = Pick<Entities<unknown, unknown>, 'release' | 'drop'>
  const [first, last]: [Kind[], Kind[]] = [[], []]
  const counters: Counters = {
    messages: 0,
    turns: 0,
    wakes: 0,
    hibernations: 0,
    restarts: 0,
    deadLetters: 0,
    overflows: 0,
  }
  return {
    clock: all.clock,
    wheel,
    turns,
    counters,
    host(behaviour) {
      const actors = new Entities(behaviour, all, { shards, wheel, turns }, counters)
      if (behaviour.goesLast) last.push(actors)
      else first.push(actors)
      return actors
    },
    async release(shard, mostMs) {
      const until = all.clock.monotonic() + mostMs
      for (const kinds of [first, last])
        await Promise.all(kinds.map((actors) => actors.release(shard, until - all.clock.monotonic())))
    },
    drop(shard) {
      for (const actors of [...first, ...last]) actors.drop(shard)
    },
    stop: () => wheel.stop(),
    end() {
      turns.stop()
      shards.stop()
    },
  }
}
