/**
 * The time of day as far as it is known apart from the clock, which may jump: how much time has passed since the clock was looked at,
 * in this process by the monotonic clock, before that by what the store kept. A clock that jumps must not empty inboxes: where the
 * two differ, nothing leaves that is not too old by both; after a day the clock is right.
 */
import type { Millis } from '../protocol/ids.ts'
import type { ClockFace } from '../runtime/index.ts'
import type { Reckoning, TimeStore } from '../store/contract.ts'

const dayMs = 86_400_000
/** A clock that steps by less is followed: then things leave so much too early, or too late. */
const slackMs = 3_600_000
/** A clock that says the same for so long is right, as is one that was wrong until it was set, or that of a node that was off. */
const patienceMs = dayMs
/** Of a clock that is this far behind nothing gets its time: it would leave as soon as the clock is right. */
const behindMs = dayMs

/** What is known after so many milliseconds, when the clock says `now`. */
function reckon(known: Reckoning, now: Millis, passedMs: Millis): Reckoning {
  const at = known.at + passedMs
  if (Math.abs(now - at) <= slackMs) return { at: now, doubtMs: 0 }
  const doubtMs = known.doubtMs + passedMs
  return doubtMs < patienceMs ? { at, doubtMs } : { at: now, doubtMs: 0 }
}

export class Calendar implements ClockFace {
  readonly #clock: ClockFace
  #known: Reckoning
  #lookedAt: Millis
  #told = false

  /** `known`: what the store kept; undefined: there is nothing that could be too old. */
  constructor(clock: ClockFace, known: Reckoning | undefined) {
    this.#clock = clock
    this.#known = known ?? { at: clock.now(), doubtMs: 0 }
    this.#lookedAt = clock.monotonic()
  }

  /** How far the clock is ahead of what it should say, below zero behind; 0 where it may be right. */
  get offMs(): Millis {
    const off = this.#clock.now() - (this.#known.at + this.#clock.monotonic() - this.#lookedAt)
    return Math.abs(off) <= slackMs ? 0 : off
  }

  /** The time that what is new gets: the clock's, where it is not far behind. */
  now(): Millis {
    const { offMs } = this
    return this.#clock.now() - (offMs < -behindMs ? offMs : 0)
  }

  monotonic(): Millis {
    return this.#clock.monotonic()
  }

  /** What has an age by now has it for sure. */
  get past(): Millis {
    return this.#clock.now() - Math.max(0, this.offMs)
  }

  /**
   * Takes what the clock says into account, and keeps it. Resolves with how far it is ahead of what it should say, below zero
   * behind; 0 where it may be right, or that was told before.
   */
  async look(store: Pick<TimeStore, 'saveReckoning'>): Promise<Millis> {
    const [now, monotonic] = [this.#clock.now(), this.#clock.monotonic()]
    this.#known = reckon(this.#known, now, monotonic - this.#lookedAt)
    this.#lookedAt = monotonic
    await store.saveReckoning(this.#known)
    const off = now - this.#known.at
    const told = this.#told
    this.#told = off !== 0
    return told ? 0 : off
  }
}
