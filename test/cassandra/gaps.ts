/** How long people waited in each event of a cluster, beside how long they may. */
import { expect } from 'vitest'

/** `boundMs`: how long it may keep anybody waiting where the machine is quick, and `why`: what that is made of. */
export type Happens = { readonly what: string; readonly boundMs: number; readonly why: string }

type Gap = Happens & { readonly took: readonly number[]; readonly restMs: number }

const part = (took: readonly number[], share: number): number =>
  Math.round(took[Math.floor((took.length - 1) * share)] ?? 0)

/**
 * On any machine: all of an event takes some more round trips than a send, each of which may be as slow as the slowest just before it or
 * just after it. On a quiet machine of two cores that is 30 to 100 ms, beside bounds of seconds.
 */
const limitOf = ({ boundMs, restMs }: Pick<Gap, 'boundMs' | 'restMs'>): number => Math.round(boundMs + 3 * restMs)

export class Gaps {
  readonly #asserts: boolean
  readonly #gaps: Gap[] = []
  readonly #rest: number[] = []
  readonly #more: string[] = []
  readonly #wrong: string[] = []
  #took: number[] = []
  /** The slowest send when nothing had happened for a while, before what happens now. */
  #restMs = 0

  /** `asserts`: where nobody else uses the machine, as in a measure. In other runs a bound would fail by what else begins to run. */
  constructor(asserts: boolean) {
    this.#asserts = asserts
  }

  /** Milliseconds that somebody has waited. */
  took(ms: number): void {
    this.#took.push(ms)
  }

  /** What nodes and people do for the first time is being compiled, and does not count. */
  warm(): void {
    this.#took = []
  }

  /** Nothing has happened: this is what the machine does. It counts for what happened before, and for what happens next. */
  rest(): void {
    const ms = Math.max(0, ...this.#took)
    this.#rest.push(...this.#took)
    const last = this.#gaps.pop()
    if (last) this.#gaps.push({ ...last, restMs: Math.max(last.restMs, ms) })
    this.#restMs = ms
    this.#took = []
  }

  mark(event: Happens): void {
    this.#gaps.push({ ...event, took: this.#took.sort((a, b) => a - b), restMs: this.#restMs })
    this.#took = []
  }

  /** Something else that was measured, in a line; and whether it is as it should be where the machine is quick. */
  note(line: string, holds = true): void {
    this.#more.push(line)
    if (!holds) this.#wrong.push(line)
  }

  /** A bound as it is on this machine now. */
  here(boundMs: number): number {
    return limitOf({ boundMs, restMs: this.#restMs })
  }

  table(): string {
    const rest = this.#rest.sort((a, b) => a - b)
    const row = (what: string, took: readonly number[], ...more: readonly (number | string)[]) =>
      [what.padEnd(40), took.length, part(took, 0.5), part(took, 0.99), part(took, 1), ...more].join('\t')
    const rows = this.#gaps.map((gap) => row(gap.what, gap.took, gap.boundMs, limitOf(gap), gap.why))
    const names = ['sends', 'p50 ms', 'p99', 'longest', 'bound', 'here', 'what the bound is made of']
    const head = ['event'.padEnd(40), ...names].join('\t')
    const said = this.#asserts
      ? 'Each longest is to be below the bound here: the bound, and three times the slowest send just before and after.'
      : 'Bounds are told, and not asserted: npm run test:cluster does that.'
    return [head, row('nothing happens', rest), ...rows, ...this.#more, said].join('\n')
  }

  check(): void {
    if (!this.#asserts) return
    const over = this.#gaps.filter((gap) => part(gap.took, 1) > limitOf(gap))
    expect([...over.map(({ what, took }) => `${what}: ${part(took, 1)} ms`), ...this.#wrong]).toEqual([])
  }
}
