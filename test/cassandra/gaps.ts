/** How long people waited in each event of a cluster, beside how long they may. */
import { expect } from 'vitest'

/** `boundMs`: how long it may keep anybody waiting where the machine is quick, and `why`: what that is made of. */
export type Happens = { readonly what: string; readonly boundMs: number; readonly why: string }

type Gap = Happens & { readonly took: readonly number[] }

/**
 * A machine that is so slow at rest says nothing of the cluster: then bounds are told beside what was measured, and not asserted. The
 * machine that has Cassandra, the nodes and the people on two cores shows 30 to 100 ms when nothing else runs on it.
 */
const quietMs = 500

const part = (took: readonly number[], share: number): number =>
  Math.round(took[Math.floor((took.length - 1) * share)] ?? 0)

export class Gaps {
  readonly #asserts: boolean
  readonly #gaps: Gap[] = []
  readonly #more: string[] = []
  readonly #wrong: string[] = []
  #took: number[] = []

  /** `asserts`: where nobody else uses the machine, as in a measure. In other runs a bound would fail by what else runs. */
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

  /** The first is of no event: it tells what the machine does at rest. */
  mark(event: Happens): void {
    this.#gaps.push({ ...event, took: this.#took.sort((a, b) => a - b) })
    this.#took = []
  }

  /** Something else that was measured, in a line; and whether it is as it should be where the machine is quick. */
  note(line: string, holds = true): void {
    this.#more.push(line)
    if (!holds) this.#wrong.push(line)
  }

  get #rest(): readonly number[] {
    return this.#gaps[0]?.took ?? []
  }

  /** All of an event takes some more round trips than a send at rest, each of which may be as slow as the slowest there. */
  #limitOf({ boundMs }: Gap): number {
    return boundMs + 3 * part(this.#rest, 1)
  }

  get isQuiet(): boolean {
    return part(this.#rest, 0.99) <= quietMs
  }

  table(): string {
    const rows = this.#gaps.map((gap) => {
      const { what, took, boundMs, why } = gap
      const ms = [took.length, part(took, 0.5), part(took, 0.99), part(took, 1), boundMs, this.#limitOf(gap)]
      return [what.padEnd(40), ...ms, why].join('\t')
    })
    const head = [
      'event'.padEnd(40),
      'sends',
      'p50 ms',
      'p99',
      'longest',
      'bound',
      'here',
      'what the bound is made of',
    ].join('\t')
    const heeded = this.#asserts && this.isQuiet
    const said = heeded
      ? 'Each longest is below the bound here: the bound, and three times the longest at rest.'
      : `Bounds are told, and not asserted: ${this.#asserts ? `the machine is too busy (p99 at rest above ${quietMs} ms)` : 'npm run test:cluster does that'}.`
    return [head, ...rows, ...this.#more, said].join('\n')
  }

  check(): void {
    if (!this.#asserts || !this.isQuiet) return
    const over = this.#gaps.filter((gap) => part(gap.took, 1) > this.#limitOf(gap))
    expect([...over.map(({ what, took }) => `${what}: ${part(took, 1)} ms`), ...this.#wrong]).toEqual([])
  }
}
