/**
 * When the tokens of sessions are over. It is noted beside each, in seconds of the monotonic clock, and looked at once a second: a
 * timer for each would cost more than the session.
 */
import type { SessionRef } from '../../../actors/user/types.ts'
import type { Millis } from '../../protocol/ids.ts'
import type { Wheel } from '../../runtime/wheel.ts'
import type { Refs } from './refs.ts'
import type { Session } from './session.ts'

/** Seconds before the end at which a client is asked for another token. One that is good for less is not asked: it comes back. */
const askSeconds = 30
/** A token that is good for longer is looked at again after ten years. */
const longest = 10 * 365 * 24 * 3_600

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
    if (left > askSeconds) this.#sessions.note(ref, note(this.#seconds + left - askSeconds, false))
    else this.#sessions.note(ref, note(this.#seconds + left, true))
    if (!this.#beats) this.#beat()
    this.#beats = true
  }

  /** Whether its client is to send another token. */
  asked(ref: SessionRef): boolean {
    return this.#sessions.noteOf(ref) % 2 === 1
  }

  get #seconds(): number {
    return Math.floor(this.#context.now() / 1_000)
  }

  #beat(): void {
    const { wheel, ask, end } = this.#context
    const now = this.#seconds
    for (const session of this.#sessions.noted(note(now + 1, false))) {
      const over = Math.floor(this.#sessions.noteOf(session.ref) / 2) + askSeconds
      if (this.asked(session.ref) || over <= now) end(session)
      else {
        this.#sessions.note(session.ref, note(over, true))
        ask(session, (over - now) * 1_000)
      }
    }
    wheel.after(1_000, () => this.#beat())
  }
}

/** The second in which something is to be done: if the client was asked, its end, else the asking. */
const note = (second: number, asked: boolean): number => second * 2 + Number(asked)
