/**
 * The run queue of a node. All that is ready runs in one lap: turns of actors, with those that they bring about; then the store begins
 * to write what they appended; then the turns that come of what was durable at once; then each session is sent what there is for it.
 * A lap is one task of the event loop, after the sockets were read. With a task for each turn, one for the write and one for the sends,
 * a message that came alone took seven of them, and a seventh more CPU.
 */
import { Queue } from '../protocol/queue.ts'
import type { Clock } from './clock.ts'

/** Answers how many messages it has handled. */
export type Turn = () => number

/** Messages between looks at the clock. */
const lookEvery = 32

export type LapOptions = {
  /** Time in ms after which a lap begins no other turn: what is left waits for the next, and sockets are read before that. */
  readonly lapMs: number
  /** Messages after which it begins no other. */
  readonly lap: number
  /** Where the store begins to write what was appended in a lap. What it is done with at once may bring about turns. */
  readonly write: () => void
}

export class Turns {
  readonly #clock: Pick<Clock, 'soon' | 'monotonic'>
  readonly #options: LapOptions
  readonly #waiting = new Queue<Turn>()
  #writes = false
  #sends: (() => void)[] = []
  /** A lap is to come, or under way; or none comes any more. */
  #planned = false
  #stopped = false

  constructor(clock: Pick<Clock, 'soon' | 'monotonic'>, options: LapOptions) {
    this.#clock = clock
    this.#options = options
  }

  /** Has its turn in this lap, after those that wait already, or in the next. */
  add(turn: Turn): void {
    this.#waiting.push(turn)
    this.#plan()
  }

  /** Something is to be written when the turns of this lap are over, or those of the next. */
  write(): void {
    this.#writes = true
    this.#plan()
  }

  /** Is done once, at the end of this lap, or of the next. */
  send(run: () => void): void {
    this.#sends.push(run)
    this.#plan()
  }

  /** Nobody has a turn any more, and nothing is written or sent: also where it waits. */
  stop(): void {
    this.#stopped = true
  }

  #plan(): void {
    if (this.#planned) return
    this.#planned = true
    this.#clock.soon(() => this.#lap())
  }

  #lap(): void {
    if (this.#stopped) return
    const budget = new Budget(this.#clock, this.#options)
    this.#run(budget)
    if (this.#writes) {
      this.#writes = false
      this.#try(this.#options.write)
      this.#run(budget)
    }
    const sends = this.#sends
    this.#sends = []
    for (const send of sends) this.#try(send)
    this.#planned = false
    // A session that was closed while it was sent something has told its actors so.
    if (this.#waiting.size > 0 || this.#writes || this.#sends.length > 0) this.#plan()
  }

  #run(budget: Budget): void {
    while (!budget.spent) {
      const turn = this.#waiting.shift()
      if (!turn) return
      budget.take(this.#try(turn) ?? 1)
    }
  }

  /** What is thrown costs nobody else their turn, and is uncaught. */
  #try<Result>(task: () => Result): Result | undefined {
    try {
      return task()
    } catch (error) {
      this.#clock.soon(() => {
        throw error
      })
      return undefined
    }
  }
}

class Budget {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #until: number
  #left: number
  #unlooked = 0

  constructor(clock: Pick<Clock, 'monotonic'>, { lap, lapMs }: LapOptions) {
    this.#clock = clock
    this.#until = clock.monotonic() + lapMs
    this.#left = lap
  }

  get spent(): boolean {
    return this.#left <= 0
  }

  take(messages: number): void {
    this.#left -= messages
    this.#unlooked += messages
    if (this.#unlooked < lookEvery) return
    this.#unlooked = 0
    if (this.#clock.monotonic() >= this.#until) this.#left = 0
  }
}
