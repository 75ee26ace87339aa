/** For how long shards were still that nodes have given away, as their metrics tell it. */
import type { Gaps } from './gaps.ts'
import type { ServedNodes } from './served.ts'

/** For so long 99 of 100 may be. */
const stillMs = 300

type Counted = ReadonlyMap<number, number>

/** Shards that were still for up to so many milliseconds, by that; all: up to Infinity. */
async function read(nodes: ServedNodes, names: readonly string[]): Promise<Counted> {
  const counts = new Map<number, number>()
  for (const name of names) {
    const text = await nodes.metrics(name)
    for (const [, upTo, count] of text.matchAll(/^bluetick_cluster_still_seconds_bucket\{le="([^"]+)"\} (\d+)/gm)) {
      const ms = upTo === '+Inf' ? Number.POSITIVE_INFINITY : Number(upTo) * 1_000
      counts.set(ms, (counts.get(ms) ?? 0) + Number(count))
    }
  }
  return counts
}

export class Stills {
  readonly #nodes: ServedNodes
  readonly #givers: readonly string[]
  readonly #before: Counted

  private constructor(nodes: ServedNodes, givers: readonly string[], before: Counted) {
    this.#nodes = nodes
    this.#givers = givers
    this.#before = before
  }

  /** Before shards move. */
  static async of(nodes: ServedNodes, ...givers: readonly string[]): Promise<Stills> {
    return new Stills(nodes, givers, await read(nodes, givers))
  }

  /** What has moved since then, in a line. Of each share the step below which it was: 0.25 ms, 0.5 ms, and so on, each twice the one before. */
  async note(gaps: Gaps, what: string): Promise<void> {
    const now = await read(this.#nodes, this.#givers)
    const steps = [...now]
      .sort(([a], [b]) => a - b)
      .map(([ms, count]) => [ms, count - (this.#before.get(ms) ?? 0)] as const)
    const all = steps.at(-1)?.[1] ?? 0
    const upTo = (share: number) => steps.find(([, count]) => count >= Math.ceil(all * share))?.[0] ?? 0
    const ms = [0.5, 0.99, 1].map(upTo)
    const here = gaps.here(stillMs)
    gaps.note(
      `${what}: ${all} shards moved, each still at its owner for at most (p50 / p99 / longest) ${ms.join(' / ')} ms; p99 may be ${stillMs}, here ${here}`,
      (ms[1] as number) / 2 < here,
    )
  }
}
