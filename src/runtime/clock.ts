/** Time and chance: all that a node has of them comes through here, so that a simulation hands in its own. */
import { randomInt, randomUUID } from 'node:crypto'
import type { Millis } from '../protocol/ids.ts'

/** The two clocks of a node: what the time is, and how long something took. */
export interface ClockFace {
  /** Milliseconds since 1970. Somebody may set it, back or ahead: for times that are written and shown, never for how long something took. */
  now(): Millis
  /**
   * Whole milliseconds since some moment, more than 0; it only goes on. For intervals, rates, deadlines, and how long ago something
   * was in this process. Since the start of the process: for 24 days it is a small integer, where the time of day in a field is
   * an object of 16 bytes.
   */
  monotonic(): Millis
}

/** What the clocks of a node say at one moment. */
export type Times = { readonly now: Millis; readonly monotonic: Millis }

/** The clocks with timers and chance: what the runtime and the hosts are handed. */
export interface Clock extends ClockFace {
  /** Runs when all that runs now is done, in the order of the calls. What it throws is uncaught. */
  soon(run: () => void): void
  /** Runs once, in so many milliseconds, or earlier by what the turn of the event loop that asks has taken: whoever must not be early looks again. */
  after(ms: Millis, run: () => void): void
  /** Runs every so many milliseconds, until what it answers is called. It keeps no process alive. */
  every(ms: Millis, run: () => void): () => void
  /** A random number, 1 to 2^31 - 1: the name of a log, or of a life. */
  name(): number
  /** A random UUID. */
  uuid(): string
}

/** Resolves when whatever waits at this moment has had its turn: for loops over a store that answers at once. */
export const othersTurn = (clock: Pick<Clock, 'soon'>): Promise<void> => new Promise((resolve) => clock.soon(resolve))

/** Calls `late` in so many milliseconds, unless what this answers is called before: for what is asked of other machines, of which no timer stays. */
export function deadline(ms: Millis, late: () => void): () => void {
  const timer = setTimeout(late, ms).unref()
  return () => clearTimeout(timer)
}

/** That of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => Math.trunc(performance.now()) + 1,
  soon: (run) => void setImmediate(run),
  after: (ms, run) => void setTimeout(run, ms),
  every(ms, run) {
    const interval = setInterval(run, ms).unref()
    return () => clearInterval(interval)
  },
  name: () => randomInt(1, 2 ** 31),
  uuid: () => randomUUID(),
}
