/** How long things took, counted: what a histogram of Prometheus is made of when somebody asks. */
import type { Millis } from '../protocol/ids.ts'

export type Took = {
  readonly steps: readonly { readonly upTo: Millis; readonly count: number }[]
  readonly sum: Millis
}

/** How many took up to 0.25 ms, 0.5 ms and so on, to 8 s; and longer. */
export class Durations {
  static readonly steps = 16
  readonly #counts = new Array<number>(Durations.steps + 1).fill(0)
  #sum: Millis = 0

  add(ms: Millis): void {
    const step = ms <= 0.25 ? 0 : Math.min(Durations.steps, Math.ceil(Math.log2(ms * 4)))
    this.#counts[step] = (this.#counts[step] as number) + 1
    this.#sum += ms
  }

  /** `upTo`: in ms, of each step; the last is for all. */
  read(): Took {
    let total = 0
    const steps = this.#counts.map((count, step) => {
      total += count
      return { upTo: step < Durations.steps ? 0.25 * 2 ** step : Number.POSITIVE_INFINITY, count: total }
    })
    return { steps, sum: this.#sum }
  }
}
