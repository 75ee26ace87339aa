import { type Clock, systemClock } from './clock.ts'

/** All timers of a node: one interval, a slot per tick. A timer fires at most one tick late, never early, but for `hurry`. */
export class Wheel {
  /** By which it runs, and those who count on it. */
  readonly clock: Clock
  readonly #slots: { due: number; run: () => void }[][]
  readonly #tickMs: number
  /** Ticks that were fired. */
  #now = 0
  /** Ticks that are over: more than were fired, where something held up the process. */
  #passed = (): number => this.#now
  #end = () => {}

  constructor(clock: Clock = systemClock, tickMs = 50, slots = 512) {
    this.clock = clock
    this.#tickMs = tickMs
    this.#slots = Array.from({ length: slots }, () => [])
  }

  /** Runs by the monotonic clock until `stop`; without it only `advance` moves time. */
  start(): void {
    const started = this.clock.monotonic()
    this.#passed = () => Math.floor((this.clock.monotonic() - started) / this.#tickMs)
    this.#end = this.clock.every(this.#tickMs, () => {
      const target = this.#passed()
      while (this.#now < target) this.advance()
    })
  }

  stop(): void {
    this.#end()
  }

  after(ms: number, run: () => void): void {
    const due = Math.max(this.#now, this.#passed()) + Math.max(1, Math.ceil(ms / this.#tickMs) + 1)
    this.#slots[due % this.#slots.length]?.push({ due, run })
  }

  /** Fires every timer now: a node that stops does not wait for what was put off. */
  hurry(): void {
    const early = this.#slots.flatMap((slot) => slot.splice(0))
    for (const timer of early) timer.run()
  }

  /** Moves time on by one tick. */
  advance(): void {
    this.#now += 1
    const index = this.#now % this.#slots.length
    const slot = this.#slots[index] ?? []
    this.#slots[index] = slot.filter((timer) => timer.due > this.#now)
    for (const timer of slot) if (timer.due <= this.#now) timer.run()
  }
}
