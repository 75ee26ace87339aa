/** Questions with a deadline. A ticket is never used twice, so a late or repeated answer reaches nobody. */
import type { Wheel } from './wheel.ts'

type Open<T> = { readonly until: number; readonly answered: (answer: T | 'late') => void }

export class Asks<T> {
  readonly #open = new Map<number, Open<T>>()
  readonly #deadlineMs: number
  #tickets = 0

  /** All asks share one deadline, so that the map's order is the order of their ends. */
  constructor(wheel: Wheel, deadlineMs: number) {
    this.#deadlineMs = deadlineMs
    const sweep = () => {
      this.#expire(performance.now())
      wheel.after(250, sweep)
    }
    wheel.after(250, sweep)
  }

  /** Asks that wait for an answer. */
  get size(): number {
    return this.#open.size
  }

  ask(answered: (answer: T | 'late') => void): number {
    this.#tickets += 1
    this.#open.set(this.#tickets, { until: performance.now() + this.#deadlineMs, answered })
    return this.#tickets
  }

  answer(ticket: number, answer: T): void {
    const open = this.#open.get(ticket)
    if (!open) return
    this.#open.delete(ticket)
    open.answered(answer)
  }

  #expire(now: number): void {
    for (const [ticket, open] of this.#open) {
      if (open.until > now) return
      this.#open.delete(ticket)
      open.answered('late')
    }
  }
}
