/** How long a tick takes: sent and delivered, at rates up to saturation, beside a bare relay at the same rates and the bare disk. */
import { type Bed, type Server, type Sum, sleep, withBed } from './bed.ts'
import { syncs } from './disk.ts'
import type { Progress } from './progress.ts'

export type LatencyOptions = {
  readonly pairs: number
  readonly inFlight: number
  readonly body: number
  /** Seconds of each rate. */
  readonly seconds: number
  readonly generators: number
}

/** Shares of the saturation rate. */
const shares = [0.1, 0.25, 0.5, 0.75, 0.9]
const warmSeconds = 3
const saturationSeconds = 4
const diskSeconds = 3

/** What a rate came to, and CPU of the server for a message, in microseconds. */
type Point = { readonly sum: Sum; readonly cpuUs: number }

export async function latency(server: Server, options: LatencyOptions, progress: Progress) {
  const disk = await syncs(diskSeconds)
  const { saturation, at: node } = await withBed(server, options.generators, async (bed) => {
    await bed.open(0, options.pairs * 2)
    const saturation = await saturate(bed, options)
    return { saturation, at: await curve(bed, saturation, options, progress.step('node')) }
  })
  const floor = await withBed({ is: 'floor' }, options.generators, async (bed) => {
    await bed.open(0, options.pairs * 2)
    return curve(bed, saturation, options, progress.step('floor'))
  })
  const { sum: last } = node.at(-1) as Point
  return {
    saturation_messages_per_second: saturation,
    rates: shares.map((share, n) => {
      const [{ sum: mine, cpuUs }, { sum: bare, cpuUs: bareCpuUs }] = [node[n] as Point, floor[n] as Point]
      return {
        rate: share * saturation,
        share_of_saturation: share,
        sent_p50_ms: mine.sentMs.percentile(0.5),
        sent_p99_ms: mine.sentMs.percentile(0.99),
        delivered_p50_ms: mine.deliveredMs.percentile(0.5),
        delivered_p99_ms: mine.deliveredMs.percentile(0.99),
        floor_delivered_p50_ms: bare.deliveredMs.percentile(0.5),
        floor_delivered_p99_ms: bare.deliveredMs.percentile(0.99),
        node_cpu_us_per_message: cpuUs,
        floor_cpu_us_per_message: bareCpuUs,
      }
    }),
    disk_sync_p50_ms: disk.percentile(0.5),
    disk_sync_p99_ms: disk.percentile(0.99),
    lost: last.sent - last.received,
    duplicated: last.duplicated,
    disordered: last.disordered,
    failures: last.failures,
  }
}

/** The rate of a closed loop. */
async function saturate(bed: Bed, { body, inFlight }: LatencyOptions): Promise<number> {
  await bed.all('pump', () => ({ kind: 'pairs', to: 0, bodyBytes: body, inFlight, rate: 0 }))
  await sleep(warmSeconds * 1_000)
  const start = await bed.totals()
  await sleep(saturationSeconds * 1_000)
  const end = await bed.totals()
  await bed.drain()
  return (end.delivered - start.delivered) / saturationSeconds
}

async function curve(
  bed: Bed,
  saturation: number,
  { body, seconds }: LatencyOptions,
  progress: (done: number, of: number) => void,
): Promise<Point[]> {
  const points: Point[] = []
  for (const share of shares) {
    const rate = (share * saturation) / bed.size
    await bed.all('pump', () => ({ kind: 'pairs', to: 0, bodyBytes: body, inFlight: 0, rate }))
    await sleep(1_000)
    await bed.all('mark', () => null)
    const start = await bed.sample()
    await sleep(seconds * 1_000)
    const end = await bed.sample()
    points.push({ sum: await bed.drain(), cpuUs: (end.cpuUs - start.cpuUs) / (share * saturation * seconds) })
    progress(points.length, shares.length)
  }
  return points
}
