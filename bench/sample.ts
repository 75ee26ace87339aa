/** What nodes have used, and done. */
import type { Copies, Writes } from './count.ts'
import type { Sample } from './meter.ts'

/** What a node has used up to a moment, and done. */
export type NodeSample = Sample & {
  readonly writes?: Writes
  readonly copies?: Copies
  /** What has gone over links to other nodes. */
  readonly links?: { readonly batches: number; readonly frames: number; readonly bytes: number }
  readonly stats?: {
    readonly sessions: number
    readonly messages: number
    readonly turns: number
    readonly users: { readonly awake: number }
  }
}

/** What all have used together; delays are those of the slowest. */
export function together(each: readonly NodeSample[]): NodeSample {
  const sum = (pick: (sample: NodeSample) => number) => each.reduce((all, one) => all + pick(one), 0)
  const most = (pick: (sample: NodeSample) => number) => Math.max(0, ...each.map(pick))
  const linked = (what: keyof NonNullable<NodeSample['links']>) => sum(({ links }) => links?.[what] ?? 0)
  return {
    at: most(({ at }) => at),
    rss: sum(({ rss }) => rss),
    heap: sum(({ heap }) => heap),
    external: sum(({ external }) => external),
    cpuUs: sum(({ cpuUs }) => cpuUs),
    kernelCpuUs: sum(({ kernelCpuUs }) => kernelCpuUs),
    mainCpuUs: sum(({ mainCpuUs }) => mainCpuUs),
    loopActiveMs: sum(({ loopActiveMs }) => loopActiveMs),
    diskBytes: sum(({ diskBytes }) => diskBytes),
    garbage: sum(({ garbage }) => garbage),
    gcPausesMs: each.flatMap(({ gcPausesMs }) => gcPausesMs),
    loopP99Ms: most(({ loopP99Ms }) => loopP99Ms),
    loopMaxMs: most(({ loopMaxMs }) => loopMaxMs),
    links: { batches: linked('batches'), frames: linked('frames'), bytes: linked('bytes') },
    stats: {
      sessions: sum(({ stats }) => stats?.sessions ?? 0),
      messages: sum(({ stats }) => stats?.messages ?? 0),
      turns: sum(({ stats }) => stats?.turns ?? 0),
      users: { awake: sum(({ stats }) => stats?.users.awake ?? 0) },
    },
  }
}
