/** How long a store keeps things. */
import type { Millis } from '../protocol/ids.ts'
import { checkOptions, isAny, type Rule } from '../protocol/options.ts'

/** How long what was sent is kept for those who are away, and recognised when it is sent again. */
export type Retention = {
  /** Milliseconds an entry stays in an inbox. Default 30 days. */
  readonly retentionMs: number
  /** Milliseconds a repeat of a send is recognised; at least 24 h. Default 25 h. */
  readonly dedupeMs: number
}

const hourMs = 3_600_000

/** With defaults. Throws a TypeError for an option that `of` has not, `more` being others, and a RangeError for times that cannot be. */
export function completeRetention(
  of: string,
  given: Partial<Retention>,
  more: Readonly<Record<string, Rule>> = {},
): Retention {
  checkOptions(of, given, { retentionMs: isAny, dedupeMs: isAny, ...more })
  const { retentionMs = 30 * 24 * hourMs, dedupeMs = 25 * hourMs } = given
  checkMs({ retentionMs })
  checkMs({ dedupeMs }, 24 * hourMs)
  return { retentionMs, dedupeMs }
}

/** Throws a RangeError unless each of these options is a whole number of milliseconds, and as many as `least`. */
export function checkMs(options: Record<string, unknown>, least: Millis = 1): void {
  for (const [name, ms] of Object.entries(options))
    if (!Number.isSafeInteger(ms) || Number(ms) < least)
      throw new RangeError(`${name} must be a whole number of milliseconds, at least ${least}`)
}
