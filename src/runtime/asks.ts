/** Questions with a deadline. A ticket is never used twice, so a late or repeated answer reaches nobody. */
import type { Wheel } from './wheel.ts'

const sweepMs = 250

export class Asks<T> {
  readonly #open = new Map<number, (answer: T) => void>()
  readonly #deadlineMs: number
  readonly #late: T
  #tickets = 0
  /** The last ticket at each sweep, and when those up to it are late: one time for all of them, where one each took 48 bytes. */
  #marks: { readonly ticket: number; readonly lateAt: number }[] = []

  /** All asks share one deadline, and one answer to what is late. */
  constructor(wheel: Wheel, deadlineMs: number, late: T) {
    this.#deadlineMs = deadlineMs
    this.#late = late
    const sweep = () => {
      this.#expire(wheel.clock.monotonic())
      wheel.after(sweepMs, sweep)
    }
    wheel.after(sweepMs, sweep)
  }

  /** Asks that wait for an answer. */
  get size(): number {
    return this.#open.size
  }

  ask(answered: (answer: T) => void): number {
    this.#tickets += 1
    this.#open.set(this.#tickets, answered)
    return this.#tickets
  }

  answer(ticket: number, answer: T): void {
    const answered = this.#open.get(ticket)
    if (!answered) return
    this.#open.delete(ticket)
    answered(answer)
  }

  /** Nobody will answer. */
  giveUp(ticket: number): void {
    this.answer(ticket, this.#late)
  }

  #expire(now: number): void {
    this.#marks.push({ ticket: this.#tickets, lateAt: now + this.#deadlineMs })
    const upTo = this.#marks.findLast(({ lateAt }) => lateAt <= now)?.ticket ?? 0
    this.#marks = this.#marks.filter(({ lateAt }) => lateAt > now)
    // The map is in the order of the tickets.
    for (const ticket of this.#open.keys()) {
      if (ticket > upTo) return
      this.giveUp(ticket)
    }
  }
}
