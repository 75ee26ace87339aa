/** A stretch of a run that counts: what the node and the generators used from its start to its end. */
import type { Bed, Sum } from './bed.ts'
import { percentile } from './histogram.ts'
import { cores } from './proc.ts'
import type { NodeSample } from './sample.ts'

/** The node and the generators before and after. */
export type Window = {
  readonly before: NodeSample
  readonly after: NodeSample
  readonly start: Sum
  readonly end: Sum
  /** CPU of the machine meanwhile: of all programs, and what its host gave to others. */
  readonly busyUs: number
  readonly stolenUs: number
}

/** Looks at the node and the generators around `work`. `closely`: at garbage and at delays of the event loop, too, which takes CPU. */
export async function observe(bed: Bed, work: (start: Sum) => Promise<unknown>, closely = true): Promise<Window> {
  await bed.all('mark', () => null)
  await bed.reset({ closely })
  const start = await bed.totals()
  const before = await bed.sample()
  const machine = cores()
  await work(start)
  const { busyUs, stolenUs } = cores()
  const after = await bed.sample()
  const end = await bed.totals()
  return { before, after, start, end, busyUs: busyUs - machine.busyUs, stolenUs: stolenUs - machine.stolenUs }
}

/** The share of a core that the busiest generator used in `ms`. */
export const busiestShare = (start: Sum, end: Sum, ms: number): number =>
  Math.max(0, ...end.cpus.map((cpu, n) => (cpu - (start.cpus[n] ?? 0)) / 1_000 / ms))

/** Speed and CPU of `events`. Shares are of one core. */
export function rates({ before, after, start, end, busyUs, stolenUs }: Window, events: number) {
  const elapsedMs = after.at - before.at
  const [cpuUs, generatorUs] = [after.cpuUs - before.cpuUs, end.cpuUs - start.cpuUs]
  return {
    perSecond: events / (elapsedMs / 1_000),
    cpuUs: cpuUs / events,
    kernelUs: (after.kernelCpuUs - before.kernelCpuUs) / events,
    cpuShare: cpuUs / 1_000 / elapsedMs,
    mainShare: (after.mainCpuUs - before.mainCpuUs) / 1_000 / elapsedMs,
    loopShare: (after.loopActiveMs - before.loopActiveMs) / elapsedMs,
    generatorUs: generatorUs / events,
    generatorShare: busiestShare(start, end, elapsedMs),
    stealShare: stolenUs / 1_000 / elapsedMs,
    otherShare: Math.max(0, busyUs - cpuUs - generatorUs) / 1_000 / elapsedMs,
  }
}

/** What each of `events` costs besides time: what one can change. */
export function costs({ before, after, start, end }: Window, events: number, of: 'message' | 'delivery') {
  const writes = after.writes && before.writes ? { after: after.writes, before: before.writes } : undefined
  const stats = after.stats && before.stats ? { after: after.stats, before: before.stats } : undefined
  return {
    [`wire_bytes_per_${of}`]: (end.wireBytes - start.wireBytes) / events,
    [`disk_bytes_per_${of}`]: (after.diskBytes - before.diskBytes) / events,
    [`garbage_bytes_per_${of}`]: after.garbage / events,
    [`store_appends_per_${of}`]: writes ? (writes.after.appends - writes.before.appends) / events : 0,
    [`store_entries_per_${of}`]: writes ? (writes.after.entries - writes.before.entries) / events : 0,
    [`store_saves_per_${of}`]: writes ? (writes.after.saves - writes.before.saves) / events : 0,
    [`actor_messages_per_${of}`]: stats ? (stats.after.messages - stats.before.messages) / events : 0,
    [`actor_wakes_per_${of}`]: stats ? (stats.after.turns - stats.before.turns) / events : 0,
    gc_pauses: after.gcPausesMs.length,
    gc_p99_ms: percentile(after.gcPausesMs, 0.99),
    gc_max_ms: Math.max(0, ...after.gcPausesMs),
    loop_delay_p99_ms: after.loopP99Ms,
    loop_delay_max_ms: after.loopMaxMs,
  }
}

/** Bytes of the process at the end. */
export const memoryOf = ({ after }: Window) => ({
  node_rss_bytes: after.rss,
  node_heap_bytes: after.heap,
  node_external_bytes: after.external,
})
