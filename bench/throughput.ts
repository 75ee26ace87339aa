/** How many messages a second, and at what cost: sent, durable, pushed, acknowledged, and the receipt back. */
import { defaultLimits } from '../src/protocol/limits.ts'
import { type Bed, type Server, type Sum, sleep, withBed } from './bed.ts'
import { callsOf, callsPer } from './calls.ts'
import type { Progress } from './progress.ts'
import { costs, memoryOf, observe, rates, type Window } from './window.ts'

export type ThroughputOptions = {
  readonly pairs: number
  readonly inFlight: number
  readonly body: number
  readonly seconds: number
  readonly generators: number
  /** All send to one user, instead of each to its own. */
  readonly hot: boolean
  /** Counts system calls, too. */
  readonly calls: boolean
  /** Another build, measured right after this one. */
  readonly against: Server | undefined
}

type Run = Window & {
  readonly drained: Sum
  /** System calls in a stretch of their own, and its messages. */
  readonly calls: { readonly counts: ReadonlyMap<string, number>; readonly messages: number }
  /** Messages of each half second. */
  readonly series: readonly number[]
}

/** Until this much has passed V8 still compiles, which on a busy machine would count for a third of a message's CPU. */
const warm = { messages: 100_000, minMs: 3_000, maxMs: 20_000 }
const stepMs = 500
const callsMs = 3_000

export async function throughput(server: Server, asked: ThroughputOptions, progress: Progress) {
  const options = asked.hot ? { ...asked, inFlight: hotInFlight(asked) } : asked
  const node = await withBed(server, options.generators, (bed) => load(bed, options, progress.step('node')))
  const floor = await withBed({ is: 'floor' }, options.generators, (bed) =>
    load(bed, { ...options, hot: false }, progress.step('floor')),
  )
  const { against } = options
  const other =
    against && (await withBed(against, options.generators, (bed) => load(bed, options, progress.step('against'))))
  const messages = (run: Run) => run.end.delivered - run.start.delivered
  const [mine, bare] = [rates(node, messages(node)), rates(floor, messages(floor))]
  const { sent, received, duplicated, disordered, failures } = node.drained
  return {
    pairs: options.pairs,
    in_flight: options.inFlight,
    body_bytes: options.body,
    seconds: options.seconds,
    messages_per_second: mine.perSecond,
    node_cpu_us_per_message: mine.cpuUs,
    node_kernel_cpu_us_per_message: mine.kernelUs,
    node_cpu_share: mine.cpuShare,
    floor_messages_per_second: bare.perSecond,
    floor_cpu_us_per_message: bare.cpuUs,
    floor_kernel_cpu_us_per_message: bare.kernelUs,
    floor_cpu_share: bare.cpuShare,
    cpu_ratio_to_floor: mine.cpuUs / bare.cpuUs,
    ...(other && comparison(rates(other, messages(other)), mine)),
    ...callsPer('node', 'message', node.calls.counts, node.calls.messages),
    ...callsPer('floor', 'message', floor.calls.counts, floor.calls.messages),
    p50_ms: node.end.ms.delivered.percentile(0.5),
    p99_ms: node.end.ms.delivered.percentile(0.99),
    sent_p50_ms: node.end.ms.sent.percentile(0.5),
    sent_p99_ms: node.end.ms.sent.percentile(0.99),
    lost: sent - received,
    duplicated,
    disordered,
    unconfirmed: sent - node.drained.delivered,
    failures,
    ...costs(node, messages(node), 'message'),
    ...memoryOf(node),
    generator_cpu_us_per_message: mine.generatorUs,
    steal_share: Math.max(mine.stealShare, bare.stealShare),
    others_cpu_share: Math.max(mine.otherShare, bare.otherShare),
    generator_busiest_share: mine.generatorShare,
    floor_generator_busiest_share: bare.generatorShare,
    messages_by_half_second: node.series,
  }
}

const comparison = (other: ReturnType<typeof rates>, mine: ReturnType<typeof rates>) => ({
  against_messages_per_second: other.perSecond,
  against_cpu_us_per_message: other.cpuUs,
  cpu_ratio_to_against: mine.cpuUs / other.cpuUs,
})

/** One inbox takes so many at a time, and answers `busy` beyond: then each sender gets fewer of them. */
function hotInFlight({ pairs, inFlight }: ThroughputOptions): number {
  const most = Math.floor(defaultLimits.appendsInFlight / (pairs * 2 - 1))
  if (most > 0) return Math.min(inFlight, most)
  throw new Error(
    `--hot with --pairs ${pairs}: one inbox takes ${defaultLimits.appendsInFlight} appends at a time; let fewer send`,
  )
}

async function load(bed: Bed, options: ThroughputOptions, progress: (done: number, of: number) => void): Promise<Run> {
  const { pairs, inFlight, body, seconds, hot } = options
  await bed.open(0, pairs * 2)
  await bed.all('pump', () => ({ kind: hot ? 'hot' : 'pairs', to: 0, bodyBytes: body, inFlight, rate: 0 }))
  await warmUp(bed)
  const series: number[] = []
  const window = await observe(bed, async (start) => {
    let last = start.delivered
    for (let step = 0; step < (seconds * 1_000) / stepMs; step++) {
      await sleep(stepMs)
      const { delivered } = await bed.totals()
      series.push(delivered - last)
      last = delivered
      progress(step + 1, (seconds * 1_000) / stepMs)
    }
  })
  const calls = options.calls ? await callsIn(bed) : { counts: new Map(), messages: 1 }
  const drained = await bed.drain()
  await bed.all('close', () => null)
  return { ...window, drained, calls, series }
}

async function callsIn(bed: Bed): Promise<Run['calls']> {
  let messages = 0
  const counts = await callsOf(bed.pid, async () => {
    const { delivered } = await bed.totals()
    await sleep(callsMs)
    messages = (await bed.totals()).delivered - delivered
  })
  return { counts, messages }
}

/** Waits until the code that runs is compiled. */
export async function warmUp(bed: Bed): Promise<void> {
  const started = performance.now()
  const passed = () => performance.now() - started
  await sleep(warm.minMs)
  while (passed() < warm.maxMs && (await bed.totals()).delivered < warm.messages) await sleep(200)
}
