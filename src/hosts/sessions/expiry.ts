/**
 * When the tokens of sessions are over. It is noted beside each, in seconds of the monotonic clock, and looked at once a second: a
 * timer for each would cost more than the session.
 */
import type { SessionRef } from '../../../actors/session/ref.ts'
import type { Millis } from '../../protocol/ids.ts'
import type { Wheel } from '../../runtime/wheel.ts'
import type { Refs } from './refs.ts'
import type { Session } from './session.ts'

/** Seconds before the end at which a client is asked for another token; of one that is not good for so long, half is left then. */
const askSeconds = 30
/** A token that is good for less is not asked about: its client comes back with another. */
const leastSeconds = 4
/** A token that is good for longer is asked about after two years. */
const longest = 2 * 365 * 24 * 3_600

type Context = {
  readonly wheel: Pick<Wheel, 'after'>
  /** Milliseconds by the monotonic clock. */
  readonly now: () => Millis
  readonly ask: (session: Session, leftMs: Millis) => void
  readonly end: (session: Session) => void
}

export class Expiry {
  readonly #sessions: Refs<Session>
  readonly #context: Context
  #beats = false

  constructor(sessions: Refs<Session>, context: Context) {
    this.#sessions = sessions
    this.#context = context
  }

  /** The token of a session is good for so long; null: for ever. */
  set(ref: SessionRef, leftMs: Millis | null): void {
    if (leftMs === null) return this.#sessions.note(ref, 0)
    const left = Math.min(longest, Math.ceil(leftMs / 1_000))
    const lead = left > askSeconds ? askSeconds : left < leastSeconds ? 0 : Math.floor(left / 2)
    this.#sessions.note(ref, note(this.#seconds + left - lead, lead))
    if (!this.#beats) this.#beat()
    this.#beats = true
  }

  /** Whether its client is to send another token. */
  asked(ref: SessionRef): boolean {
    const noted = this.#sessions.noteOf(ref)
    return noted !== 0 && leadOf(noted) === 0
  }

  get #seconds(): number {
    return Math.floor(this.#context.now() / 1_000)
  }

  #beat(): void {
    const { wheel, ask, end } = this.#context
    const now = this.#seconds
    for (const session of this.#sessions.noted(note(now + 1, 0))) {
      const noted = this.#sessions.noteOf(session.ref)
      const over = secondOf(noted) + leadOf(noted)
      if (over <= now || leadOf(noted) === 0) end(session)
      else {
        this.#sessions.note(session.ref, note(over, 0))
        ask(session, (over - now) * 1_000)
      }
    }
    wheel.after(1_000, () => this.#beat())
  }
}

/** The second in which something is to be done, and how many later the token is over; 0: it is then. In 32 bits for four years. */
const note = (second: number, lead: number): number => second * 32 + lead
const secondOf = (noted: number): number => Math.floor(noted / 32)
const leadOf = (noted: number): number => noted % 32
