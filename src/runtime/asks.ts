/** Questions with a deadline. A ticket is never used twice, so a late or repeated answer reaches nobody. */
import type { Wheel } from './wheel.ts'

const sweepMs = 250
/** Places for those who wait, at first. */
const fewest = 64

type Answered<T> = (answer: T) => void

export class Asks<T> {
  /**
   * Who waits for an answer, each in the place of their ticket: the ticket modulo the number of places. Not a map: one that is filled and
   * emptied all the time holds what was in it (docs/architecture.md).
   */
  #places: (Answered<T> | undefined)[] = new Array(fewest).fill(undefined)
  #tickets: number[] = new Array(fewest).fill(0)
  readonly #deadlineMs: number
  readonly #late: T
  #size = 0
  #last = 0
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
    return this.#size
  }

  ask(answered: Answered<T>): number {
    if (this.#size * 2 >= this.#places.length) this.#grow()
    // A place that is still taken has its ticket skipped.
    do this.#last += 1
    while (this.#places[this.#last % this.#places.length])
    this.#put(this.#last, answered)
    this.#size += 1
    return this.#last
  }

  #put(ticket: number, answered: Answered<T>): void {
    const place = ticket % this.#places.length
    this.#places[place] = answered
    this.#tickets[place] = ticket
  }

  #grow(): void {
    const open = this.#open()
    this.#places = new Array(this.#places.length * 2).fill(undefined)
    this.#tickets = new Array(this.#places.length).fill(0)
    for (const [ticket, answered] of open) this.#put(ticket, answered)
  }

  #open(): [ticket: number, answered: Answered<T>][] {
    return this.#places.flatMap((answered, place) => (answered ? [[this.#tickets[place] ?? 0, answered]] : []))
  }

  answer(ticket: number, answer: T): void {
    const place = ticket % this.#places.length
    const answered = this.#tickets[place] === ticket ? this.#places[place] : undefined
    if (!answered) return
    this.#places[place] = undefined
    this.#size -= 1
    answered(answer)
  }

  /** Nobody will answer. */
  giveUp(ticket: number): void {
    this.answer(ticket, this.#late)
  }

  #expire(now: number): void {
    this.#marks.push({ ticket: this.#last, lateAt: now + this.#deadlineMs })
    const upTo = this.#marks.findLast(({ lateAt }) => lateAt <= now)?.ticket ?? 0
    this.#marks = this.#marks.filter(({ lateAt }) => lateAt > now)
    const late = this.#size === 0 ? [] : this.#open().filter(([ticket]) => ticket <= upTo)
    for (const [ticket] of late.sort(([one], [other]) => one - other)) this.giveUp(ticket)
  }
}
