/** How long a tick takes: sent and delivered, at rates up to saturation, beside a bare relay at the same rates. */
import { type Bed, type Server, type Sum, sleep, withBed } from './bed.ts'
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

export async function latency(server: Server, options: LatencyOptions, progress: Progress) {
  const { saturation, at: node } = await withBed(server, options.generators, async (bed) => {
    await bed.open(0, options.pairs * 2)
    const saturation = await saturate(bed, options)
    return { saturation, at: await curve(bed, saturation, options, progress.step('node')) }
  })
  const floor = await withBed({ is: 'floor' }, options.generators, async (bed) => {
    await bed.open(0, options.pairs * 2)
    return curve(bed, saturation, options, progress.step('floor'))
  })
  return {
    saturation_messages_per_second: saturation,
    rates: shares.map((share, n) => {
      const [mine, bare] = [node[n] as Sum, floor[n] as Sum]
      return {
        rate: share * saturation,
        share_of_saturation: share,
        sent_p50_ms: mine.sentMs.percentile(0.5),
        sent_p99_ms: mine.sentMs.percentile(0.99),
        delivered_p50_ms: mine.deliveredMs.percentile(0.5),
        delivered_p99_ms: mine.deliveredMs.percentile(0.99),
        floor_delivered_p50_ms: bare.deliveredMs.percentile(0.5),
        floor_delivered_p99_ms: bare.deliveredMs.percentile(0.99),
      }
    }),
    lost: node.at(-1) ? (node.at(-1) as Sum).sent - (node.at(-1) as Sum).received : 0,
    duplicated: node.at(-1)?.duplicated ?? 0,
    disordered: node.at(-1)?.disordered ?? 0,
    failures: node.at(-1)?.failures ?? [],
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
): Promise<Sum[]> {
  const sums: Sum[] = []
  for (const share of shares) {
    const rate = (share * saturation) / bed.size
    await bed.all('pump', () => ({ kind: 'pairs', to: 0, bodyBytes: body, inFlight: 0, rate }))
    await sleep(1_000)
    await bed.all('mark', () => null)
    await sleep(seconds * 1_000)
    sums.push(await bed.drain())
    progress(sums.length, shares.length)
  }
  return sums
}
