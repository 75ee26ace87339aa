/** How many messages a second, and at what cost: sent, durable, pushed, acknowledged, and the receipt back. */
import { type Bed, type NodeSample, type Server, type Sum, sleep, withBed } from './bed.ts'
import { percentile } from './histogram.ts'
import type { Progress } from './progress.ts'

export type ThroughputOptions = {
  readonly pairs: number
  readonly inFlight: number
  readonly body: number
  readonly seconds: number
  readonly generators: number
  /** All send to one user, instead of each to its own. */
  readonly hot: boolean
}

type Run = {
  readonly before: NodeSample
  readonly after: NodeSample
  readonly start: Sum
  readonly end: Sum
  readonly drained: Sum
  /** Messages of each half second. */
  readonly series: readonly number[]
}

/** Until this much has passed V8 still compiles, which on a busy machine would count for a third of a message's CPU. */
const warm = { messages: 100_000, minMs: 3_000, maxMs: 20_000 }
const stepMs = 500

export async function throughput(server: Server, options: ThroughputOptions, progress: Progress) {
  const node = await withBed(server, options.generators, (bed) => load(bed, options, progress.step('node')))
  const floor = await withBed({ is: 'floor' }, options.generators, (bed) =>
    load(bed, { ...options, hot: false }, progress.step('floor')),
  )
  const [mine, bare] = [figures(node, options), figures(floor, options)]
  const { sent, received, duplicated, disordered, failures } = node.drained
  return {
    pairs: options.pairs,
    in_flight: options.inFlight,
    body_bytes: options.body,
    seconds: options.seconds,
    messages_per_second: mine.perSecond,
    node_cpu_us_per_message: mine.cpuUs,
    node_cpu_share: mine.cpuShare,
    floor_messages_per_second: bare.perSecond,
    floor_cpu_us_per_message: bare.cpuUs,
    floor_cpu_share: bare.cpuShare,
    cpu_ratio_to_floor: mine.cpuUs / bare.cpuUs,
    p50_ms: node.end.deliveredMs.percentile(0.5),
    p99_ms: node.end.deliveredMs.percentile(0.99),
    sent_p50_ms: node.end.sentMs.percentile(0.5),
    sent_p99_ms: node.end.sentMs.percentile(0.99),
    lost: sent - received,
    duplicated,
    disordered,
    unconfirmed: sent - node.drained.delivered,
    failures,
    ...cost(node, mine.messages),
    generator_cpu_us_per_message: mine.generatorUs,
    generator_busiest_share: mine.generatorShare,
    floor_generator_busiest_share: bare.generatorShare,
    messages_by_half_second: node.series,
  }
}

async function load(bed: Bed, options: ThroughputOptions, progress: (done: number, of: number) => void): Promise<Run> {
  const { pairs, inFlight, body, seconds, hot } = options
  await bed.open(0, pairs * 2)
  await bed.all('pump', () => ({ kind: hot ? 'hot' : 'pairs', to: 0, bodyBytes: body, inFlight, rate: 0 }))
  await warmUp(bed)
  await bed.all('mark', () => null)
  await bed.reset({ garbage: true })
  const start = await bed.totals()
  const before = await bed.sample()
  const series: number[] = []
  let last = start.delivered
  for (let step = 0; step < (seconds * 1_000) / stepMs; step++) {
    await sleep(stepMs)
    const { delivered } = await bed.totals()
    series.push(delivered - last)
    last = delivered
    progress(step + 1, (seconds * 1_000) / stepMs)
  }
  const after = await bed.sample()
  const end = await bed.totals()
  const drained = await bed.totals('drain')
  await bed.all('close', () => null)
  return { before, after, start, end, drained, series }
}

async function warmUp(bed: Bed): Promise<void> {
  const started = performance.now()
  const passed = () => performance.now() - started
  await sleep(warm.minMs)
  while (passed() < warm.maxMs && (await bed.totals()).delivered < warm.messages) await sleep(200)
}

function figures({ before, after, start, end }: Run, options: ThroughputOptions) {
  const messages = end.delivered - start.delivered
  const elapsedMs = after.at - before.at
  const generators = end.cpus.map((cpu, n) => (cpu - (start.cpus[n] ?? 0)) / 1_000 / elapsedMs)
  return {
    messages,
    perSecond: messages / (elapsedMs / 1_000),
    cpuUs: (after.cpuUs - before.cpuUs) / messages,
    cpuShare: (after.cpuUs - before.cpuUs) / 1_000 / elapsedMs,
    generatorUs: (end.cpuUs - start.cpuUs) / messages,
    generatorShare: Math.max(0, ...generators.slice(0, options.generators)),
  }
}

/** What a message costs besides time: what one can change. */
function cost({ before, after, start, end }: Run, messages: number) {
  const writes = after.writes && before.writes ? { after: after.writes, before: before.writes } : undefined
  const stats = after.stats && before.stats ? { after: after.stats, before: before.stats } : undefined
  return {
    wire_bytes_per_message: (end.wireBytes - start.wireBytes) / messages,
    disk_bytes_per_message: (after.diskBytes - before.diskBytes) / messages,
    garbage_bytes_per_message: after.garbage / messages,
    store_appends_per_message: writes ? (writes.after.appends - writes.before.appends) / messages : 0,
    store_entries_per_message: writes ? (writes.after.entries - writes.before.entries) / messages : 0,
    store_saves_per_message: writes ? (writes.after.saves - writes.before.saves) / messages : 0,
    actor_messages_per_message: stats ? (stats.after.messages - stats.before.messages) / messages : 0,
    actor_wakes_per_message: stats ? (stats.after.turns - stats.before.turns) / messages : 0,
    gc_pauses: after.gcPausesMs.length,
    gc_p99_ms: percentile(after.gcPausesMs, 0.99),
    gc_max_ms: Math.max(0, ...after.gcPausesMs),
    loop_delay_p99_ms: after.loopP99Ms,
    loop_delay_max_ms: after.loopMaxMs,
    node_rss_bytes: after.rss,
    node_heap_bytes: after.heap,
    node_external_bytes: after.external,
  }
}
