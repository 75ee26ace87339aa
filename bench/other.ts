/** What /proc tells of a node that the bench did not start. */
import { readFileSync } from 'node:fs'
import type { Sample } from './meter.ts'
import { cpuUs, kernelCpuUs, mainCpuUs } from './proc.ts'
import { type Figures, isGrid } from './table.ts'

const pageBytes = 4096

/** Zeros where it is not known, which `known` takes out. */
export function sampleOther(pid: number): Sample {
  const none = { heap: 0, external: 0, garbage: 0, gcPausesMs: [], loopP99Ms: 0, loopMaxMs: 0, loopActiveMs: 0 }
  const at = performance.now()
  if (pid === 0) return { ...none, at, rss: 0, cpuUs: 0, kernelCpuUs: 0, mainCpuUs: 0, diskBytes: 0 }
  const rss = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * pageBytes
  const io = /wchar: (\d+)/.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]
  const used = { cpuUs: cpuUs(pid), kernelCpuUs: kernelCpuUs(pid), mainCpuUs: mainCpuUs(pid) }
  return { ...none, ...used, at, rss, diskBytes: Number(io ?? 0) }
}

const inside = /^(node_heap|node_external|garbage|store_|actor_|actors_|gc_|loop_)/
const process = /^(node_|ratio_to_floor|cpu_ratio|lone_cpu|disk_bytes|idle_cpu|mix_cpu|mix_rss)/

/** Without the figures that only a node of the bench's own tells, and those of its process where that is not known. */
export function known(figures: Figures, pid: number): Figures {
  const isKnown = (key: string) => !inside.test(key) && (pid > 0 || !process.test(key))
  return Object.fromEntries(
    Object.entries(figures)
      .filter(([key]) => isKnown(key))
      .map(([key, value]) => [key, isGrid(value) ? value.map((row) => known(row, pid)) : value]),
  )
}
