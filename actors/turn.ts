/** What one turn gives a machine. Every machine has the same form: it changes its state in place, and asks its host for what is to be done. */
import type { Millis } from '../src/protocol/ids.ts'

export type Turn<Limits, Effect> = {
  /** The time of day; of a session that of the monotonic clock. */
  readonly now: Millis
  readonly limits: Limits
  /** What the host is to do, in order: one list for all messages of a turn. */
  readonly effects: Effect[]
}
