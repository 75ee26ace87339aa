/** Time and chance, so that a test can have its own. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Calls once, after so many milliseconds; the answer calls it off. */
  after(ms: number, call: () => void): () => void
  /** From 0 to 1. */
  random(): number
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms)
    return () => clearTimeout(timer)
  },
  random: Math.random,
}
