/**
 * What sessions here say of their person, for presences on other nodes. Each `send` and `read` says that the person is here: of a session
 * that is told at once, and then about once a second, with the last of them. It was a fifth of all that nodes say to each other.
 */
import type { SessionRef } from '../../actors/session/ref.ts'
import type { Millis } from '../protocol/ids.ts'
import type { Wheel } from '../runtime/wheel.ts'
import { sessionOf, type ToActor } from './frames.ts'

/** By so much, and a tick of the wheel, another node may think too early that somebody does nothing any more. */
const everyMs: Millis = 1_000

export class Activity {
  readonly #wheel: Wheel
  readonly #forward: (frame: ToActor) => void
  /** Sessions of which it was told lately, with what came since; null: nothing. */
  readonly #told = new Map<SessionRef, ToActor | null>()
  #timed = false

  constructor(wheel: Wheel, forward: (frame: ToActor) => void) {
    this.#wheel = wheel
    this.#forward = forward
  }

  /** Something for a presence. */
  forward(frame: ToActor): void {
    const { is } = frame[4]
    if (is === 'active') return this.#active(sessionOf(frame[4]), frame)
    // The end of a session says itself when its person was active last.
    if (is === 'away' || is === 'gone') this.#end(sessionOf(frame[4]), is === 'away')
    this.#forward(frame)
  }

  #active(session: SessionRef, frame: ToActor): void {
    if (this.#told.has(session)) return void this.#told.set(session, frame)
    this.#told.set(session, null)
    this.#forward(frame)
    this.#later()
  }

  #end(session: SessionRef, tells: boolean): void {
    const late = this.#told.get(session)
    this.#told.delete(session)
    if (late && tells) this.#forward(late)
  }

  /** Where a presence is may have changed: there nobody was told. */
  anew(): void {
    const late = [...this.#told.values()]
    this.#told.clear()
    for (const frame of late) if (frame) this.#forward(frame)
  }

  #later(): void {
    if (this.#timed || this.#told.size === 0) return
    this.#timed = true
    this.#wheel.after(everyMs, () => {
      this.#timed = false
      this.#tellLate()
      this.#later()
    })
  }

  #tellLate(): void {
    for (const [session, late] of this.#told) {
      if (!late) {
        this.#told.delete(session)
        continue
      }
      this.#told.set(session, null)
      this.#forward(late)
    }
  }
}
