/** How fast devices catch up: one that is far behind, and a storm of many that come back at once. */
import { type Bed, type Server, sleep, withBed } from './bed.ts'
import { percentile } from './histogram.ts'
import type { Progress } from './progress.ts'
import { observe, rates } from './window.ts'

export type ReplayOptions = {
  /** Entries that one device is behind. */
  readonly entries: number
  /** Devices that come back at once, and the entries that wait for each. */
  readonly devices: number
  readonly each: number
  readonly body: number
  readonly generators: number
}

/** Users that send what waits. */
const senders = 64

export async function replay(server: Server, options: ReplayOptions, progress: Progress) {
  return withBed(server, options.generators, async (bed) => {
    const { entries, devices, each, body } = options
    // One device: its inbox is in one generator, and its senders too.
    await fill(bed, { from: senders, count: 1, each: entries, bodyBytes: body }, 1, progress.step('fills one inbox'))
    await sleep(1_000)
    const alone = await receive(bed, { from: senders, count: 1, each: entries }, entries)
    await fill(bed, { from: senders + 2, count: devices, each, bodyBytes: body }, bed.size, progress.step('fills many'))
    await sleep(1_000)
    const storm = await receive(bed, { from: senders + 2, count: devices, each }, devices, progress.step('storm'))
    return {
      entries,
      entries_per_second: entries / alone.seconds,
      node_cpu_us_per_entry: alone.cpuUs,
      devices,
      entries_per_device: each,
      storm_seconds: storm.seconds,
      node_cpu_us_per_device: storm.cpuUs,
      node_main_cpu_share: storm.mainShare,
      gc_p99_ms: storm.gcP99Ms,
      generator_busiest_share: Math.max(alone.generatorShare, storm.generatorShare),
      steal_share: Math.max(alone.stealShare, storm.stealShare),
      others_cpu_share: Math.max(alone.otherShare, storm.otherShare),
      lost: entries + devices * each - alone.received - storm.received,
      duplicated: alone.duplicated + storm.duplicated,
      disordered: alone.disordered + storm.disordered,
      failures: [...alone.failures, ...storm.failures],
    }
  })
}

type Inboxes = { readonly from: number; readonly count: number; readonly each: number }
type Fill = Inboxes & { readonly bodyBytes: number }

/** The first `parts` generators each fill a share of the inboxes. */
async function fill(bed: Bed, job: Fill, parts: number, progress: (done: number, of: number) => void): Promise<void> {
  await bed.open(0, senders)
  const share = Math.ceil(job.count / parts)
  await bed.all(
    'fill',
    (n) => ({ ...job, from: job.from + n * share, count: Math.max(0, Math.min(share, job.count - n * share)) }),
    (done) => progress(done, job.count * job.each),
  )
  await bed.all('close', () => null)
}

/** All devices come, and get what waits for them. CPU is told by event, of which there are so many. */
async function receive(
  bed: Bed,
  { from, count, each }: Inboxes,
  events: number,
  progress: (done: number, of: number) => void = () => {},
) {
  const come = () => bed.open(from, count, { entries: each }, (done) => progress(done, count))
  const window = await observe(bed, come, false)
  await bed.all('close', () => null)
  const { before, after, end } = window
  const { received, duplicated, disordered, failures } = end
  return {
    ...rates(window, events),
    seconds: (after.at - before.at) / 1_000,
    gcP99Ms: percentile(after.gcPausesMs, 0.99),
    received,
    duplicated,
    disordered,
    failures,
  }
}
