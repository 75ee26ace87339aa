/** The two clocks of a node: what the time is, and how long something took. A test hands in its own. */
import type { Millis } from '../protocol/ids.ts'

export interface Clock {
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

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => Math.trunc(performance.now()) + 1,
}
