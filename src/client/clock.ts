/** Time and chance, so that a test can have its own. */
export interface Clock {
  /** Milliseconds since 1970. Somebody may set this clock: for times that are shown and kept, never for how long something took. */
  now(): number
  /** Milliseconds since some moment, more than 0; it only goes on: for what waits, repeats, or is late. */
  monotonic(): number
  /** Calls once, after so many milliseconds; the answer calls it off. */
  after(ms: number, call: () => void): () => void
  /** From 0 to 1. */
  random(): number
}

/** What the clocks say at one moment. */
export type Times = { readonly now: number; readonly monotonic: number }

/** Both clocks at one moment. */
export const timesOf = (clock: Clock): Times => ({ now: clock.now(), monotonic: clock.monotonic() })

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now() + 1,
  after(ms, call) {
    const timer = setTimeout(call, ms)
    return () => clearTimeout(timer)
  },
  random: Math.random,
}
