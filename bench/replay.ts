/** How fast devices catch up: one that is far behind, and a storm of many that come back at once. */
import { type Bed, type Server, sleep, withBed } from './bed.ts'
import type { Progress } from './progress.ts'
import { busiestShare } from './window.ts'

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
    const before = await bed.sample()
    const alone = await receive(bed, senders, 1, entries)
    const after = await bed.sample()
    await fill(bed, { from: senders + 2, count: devices, each, bodyBytes: body }, bed.size, progress.step('fills many'))
    await sleep(1_000)
    const storm = await receive(bed, senders + 2, devices, each, progress.step('storm'))
    return {
      entries,
      entries_per_second: entries / alone.seconds,
      node_cpu_us_per_entry: (after.cpuUs - before.cpuUs) / entries,
      devices,
      entries_per_device: each,
      storm_seconds: storm.seconds,
      generator_busiest_share: Math.max(alone.share, storm.share),
      lost: entries + devices * each - alone.received - storm.received,
      duplicated: alone.duplicated + storm.duplicated,
      disordered: alone.disordered + storm.disordered,
      failures: [...alone.failures, ...storm.failures],
    }
  })
}

type Fill = { readonly from: number; readonly count: number; readonly each: number; readonly bodyBytes: number }

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

async function receive(
  bed: Bed,
  from: number,
  count: number,
  each: number,
  progress: (done: number, of: number) => void = () => {},
) {
  const start = await bed.totals()
  const started = performance.now()
  await bed.open(from, count, { entries: each }, (done) => progress(done, count))
  const ms = performance.now() - started
  const end = await bed.totals()
  await bed.all('close', () => null)
  const { received, duplicated, disordered, failures } = end
  return { seconds: ms / 1_000, share: busiestShare(start, end, ms), received, duplicated, disordered, failures }
}
