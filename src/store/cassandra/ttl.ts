import type { Millis } from '../../protocol/ids.ts'

/** Cassandra's bound of a TTL, in seconds: 20 years. */
export const longestTtl = 20 * 365 * 86_400

/** What is left of the time of something that began at `since`, in seconds; 0 or less: it has expired. */
export const secondsLeft = (since: Millis, keptMs: number): number =>
  Math.min(Math.ceil((since + keptMs - Date.now()) / 1000), longestTtl)

/** What is not there has expired when this part of its time has passed; else it was not written. */
const expiryMargin = 0.99

export const isOld = (since: Millis, keptMs: number): boolean => since < Date.now() - keptMs * expiryMargin
