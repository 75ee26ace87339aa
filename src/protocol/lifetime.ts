/**
 * How long the messages of a chat stay. `default`: for the retention time. `permanent`: each party also keeps a copy, until they
 * delete it. `temporary`: until every device of the inbox's owner has acknowledged them. `delivered MS` and `read MS`: so many
 * milliseconds after the first device has acknowledged them, or after their owner has read them.
 */
export type Lifetime = 'default' | 'permanent' | 'temporary' | `${Timed} ${number}`

/** What a lifetime may be, in words. */
export const lifetimeForms = 'default, permanent, temporary, "delivered MS" or "read MS", from 1000 to 7776000000 ms'

/** What starts the timer of a chat that has one. */
export type Timed = 'delivered' | 'read'

/** Milliseconds that a timer may take. */
const shortestMs = 1_000
const longestMs = 90 * 86_400_000

const timed = /^(delivered|read) ([1-9]\d{3,9})$/

/** Whether a value is a lifetime, with a timer between the shortest and the longest. */
export function isLifetime(value: unknown): value is Lifetime {
  if (value === 'default' || value === 'permanent' || value === 'temporary') return true
  const timer = typeof value === 'string' ? timerOf(value) : undefined
  return timer !== undefined && timer.ms >= shortestMs && timer.ms <= longestMs
}

/** The timer of a lifetime: what starts it, and how long it takes; undefined where there is none. */
export function timerOf(lifetime: string): { readonly start: Timed; readonly ms: number } | undefined {
  const [, start, ms] = timed.exec(lifetime) ?? []
  return start === undefined ? undefined : { start: start as Timed, ms: Number(ms) }
}
