/**
 * Virtual time. What a life of the node wants to run soon, or at some time, waits until somebody lets it run; and of what is random each is
 * another number. One global is faked while a world plays: nact hears of crashes by `setImmediate`, and takes no other.
 */
import type { Clock } from '../../src/runtime/index.ts'

const day = 86_400_000

/** One for all lives of a world. */
export class Time {
  /** What has passed. */
  now = 1_000
  /** How far the time of day, which somebody sets, is ahead of that. */
  #ahead = 40 * day
  /** The latest time of day that there was. */
  latest = 0
  #names = 0
  /** Since when it was how far ahead. */
  readonly #sets = [{ at: 0, ahead: 40 * day }]

  /** The time of day. */
  get wall(): number {
    this.latest = Math.max(this.latest, this.now + this.#ahead)
    return this.now + this.#ahead
  }

  set(offMs: number): void {
    this.#ahead = 40 * day + offMs
    this.#sets.push({ at: this.now, ahead: this.#ahead })
  }

  /** The earliest time of day by which a moment may be known, whenever since then somebody has looked at the clock. */
  earliest(moment: number): number {
    const since = this.#sets.findLastIndex(({ at }) => at < moment)
    return moment + Math.min(...this.#sets.slice(Math.max(0, since)).map(({ ahead }) => ahead))
  }

  /** The latest name. */
  get named(): number {
    return this.#names
  }

  name(): number {
    this.#names += 1
    return this.#names
  }

  uuid(): string {
    return `00000000-0000-7000-8000-${String(this.name()).padStart(12, '0')}`
  }
}

type Task = { readonly run: () => void }
type Timer = { readonly everyMs: number | null; readonly run: () => void; due: number }

/** The process of one life of the node. */
export class Life {
  readonly #time: Time
  /** What is to run soon. */
  readonly #tasks: Task[] = []
  #timers: Timer[] = []
  /** What it still does before it ends. */
  #acts = Number.POSITIVE_INFINITY
  readonly clock: Clock

  constructor(time: Time) {
    const born = time.now
    this.#time = time
    this.clock = {
      now: () => time.wall,
      monotonic: () => time.now - born + 1,
      soon: (run) => void this.add(run),
      after: (ms, run) => void this.#timer(ms, null, run),
      every: (ms, run) => this.#timer(ms, ms, run),
      name: () => time.name(),
      uuid: () => time.uuid(),
    }
  }

  /** It ends after so many acts, in the middle of whatever it does then. */
  endsAfter(acts: number): void {
    this.#acts = acts
  }

  /** It does something that others see: it asks the disk to write, hears that it has, sends a frame. False: it has ended before that. */
  acts(): boolean {
    this.#acts -= 1
    return !this.over
  }

  get over(): boolean {
    return this.#acts < 0
  }

  get waiting(): number {
    return this.#tasks.length
  }

  add(run: () => void): Task {
    const task = { run }
    this.#tasks.push(task)
    return task
  }

  drop(task: Task): void {
    const at = this.#tasks.indexOf(task)
    if (at >= 0) this.#tasks.splice(at, 1)
  }

  /** Runs one of what waits. */
  run(nth: number): void {
    const [task] = this.#tasks.splice(nth % Math.max(1, this.#tasks.length), 1)
    task?.run()
  }

  /** Time has passed. */
  tick(): void {
    const { now } = this.#time
    for (const timer of this.#timers.filter(({ due }) => due <= now)) {
      if (timer.everyMs === null) this.#timers.splice(this.#timers.indexOf(timer), 1)
      else timer.due = now + timer.everyMs
      timer.run()
    }
  }

  #timer(ms: number, everyMs: number | null, run: () => void): () => void {
    const timer = { everyMs, run, due: this.#time.now + ms }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer)
    }
  }
}

const real = { setImmediate, clearImmediate }
let playing: Life | undefined

/** Of the life that plays, if one does. */
const faked = (run: (...args: unknown[]) => void, ...args: unknown[]) =>
  playing ? playing.add(() => run(...args)) : real.setImmediate(run, ...args)
globalThis.setImmediate = faked as unknown as typeof setImmediate
globalThis.clearImmediate = (task) => (playing ? playing.drop(task as unknown as Task) : real.clearImmediate(task))

export function plays(life: Life | undefined): void {
  playing = life
}

/** When all that was promised is kept, or waits for somebody. */
export const quiet = (): Promise<void> => new Promise((resolve) => real.setImmediate(resolve))
