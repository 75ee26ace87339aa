/**
 * What a group's message costs, by the size of the group: a copy for each member but its sender. The users are as many with
 * every size, so that it is the group that makes the difference. Online: every member is connected and acknowledges. Offline:
 * only those are who send, and the copies wait in the inboxes; afterwards all members come, and check what they find.
 */
import { type Bed, type Server, type Sum, sleep, withBed } from './bed.ts'
import { changesOf } from './groups.ts'
import { Histogram } from './histogram.ts'
import type { Progress } from './progress.ts'
import { costs, observe, rates, type Window } from './window.ts'

export type FanoutOptions = {
  /** Members of a group; 0: a curve of several sizes. */
  readonly members: number
  readonly inFlight: number
  readonly body: number
  /** Seconds of each size, online and offline. */
  readonly seconds: number
  readonly generators: number
}

type Step = (done: number, of: number) => void
/** A size under load: the window, and what was wrong. */
type Run = Window & { readonly faults: Faults }
type Faults = Pick<Sum, 'duplicated' | 'disordered' | 'failures'> & { readonly lost: number }

const sizes = [2, 16, 128, 1_024]
const leastUsers = 1_024
/** V8 compiles until so many copies have come, at most so long; offline it is warm. */
const warm = { copies: 150_000, minMs: 2_000, maxMs: 15_000 }
/** How long members may take to get what is for them, after the load has ended. */
const catchUpMs = 60_000

export async function fanout(server: Server, options: FanoutOptions, progress: Progress) {
  const curve = options.members > 0 ? [options.members] : sizes
  const floor = await withBed({ is: 'floor' }, options.generators, async (bed) => {
    const runs: Run[] = []
    for (const size of curve) runs.push(await online(bed, size, 0, options, progress.step(`floor, ${size} members`)))
    return runs
  })
  const node = await withBed(server, options.generators, async (bed) => {
    const runs: { on: Run; off: Run | undefined }[] = []
    for (const [n, size] of curve.entries()) {
      const from = n * usersOf(size)
      const step = (what: string) => progress.step(`${size} members, ${what}`)
      await make(bed, size, from, step('groups'))
      const on = await online(bed, size, from, options, step('online'))
      runs.push({
        on,
        off: server.is === 'node' ? await offline(bed, size, from, options, step('offline')) : undefined,
      })
    }
    return runs
  })
  const faults = node.flatMap(({ on, off }) => (off ? [on.faults, off.faults] : [on.faults]))
  const sum = (fault: 'lost' | 'duplicated' | 'disordered') => faults.reduce((all, one) => all + one[fault], 0)
  return {
    in_flight: options.inFlight,
    body_bytes: options.body,
    seconds: options.seconds,
    curve: curve.flatMap((size, n) => rows(size, node[n] as never, floor[n] as Run)),
    lost: sum('lost'),
    duplicated: sum('duplicated'),
    disordered: sum('disordered'),
    failures: faults.flatMap(({ failures }) => failures),
    generator_busiest_share: Math.max(...node.map(({ on }) => rates(on, 1).generatorShare)),
    floor_generator_busiest_share: Math.max(...floor.map((run) => rates(run, 1).generatorShare)),
  }
}

const usersOf = (size: number): number => Math.ceil(leastUsers / size) * size

function rows(size: number, { on, off }: { on: Run; off: Run | undefined }, floor: Run) {
  const received = (run: Run) => run.end.received - run.start.received
  const [mine, bare] = [rates(on, received(on)), rates(floor, received(floor))]
  const common = { members: size, groups: usersOf(size) / size }
  const connected = {
    ...common,
    online: true,
    deliveries_per_second: mine.perSecond,
    node_cpu_us_per_delivery: mine.cpuUs,
    p50_ms: on.end.ms.received.percentile(0.5),
    p99_ms: on.end.ms.received.percentile(0.99),
    floor_deliveries_per_second: bare.perSecond,
    floor_cpu_us_per_delivery: bare.cpuUs,
    cpu_ratio_to_floor: mine.cpuUs / bare.cpuUs,
    ...costs(on, received(on), 'delivery'),
  }
  if (!off) return [connected]
  const copies = (off.after.copies?.durable ?? 0) - (off.before.copies?.durable ?? 0)
  const away = rates(off, copies)
  const took = new Histogram(off.after.copies?.buckets)
  return [
    connected,
    {
      ...common,
      online: false,
      deliveries_per_second: away.perSecond,
      node_cpu_us_per_delivery: away.cpuUs,
      p50_ms: took.percentile(0.5),
      p99_ms: took.percentile(0.99),
      friend_sent_p50_ms: off.end.ms.aside.percentile(0.5),
      friend_sent_p99_ms: off.end.ms.aside.percentile(0.99),
      ...costs(off, copies, 'delivery'),
    },
  ]
}

/** Makes the groups: their owners get a copy of each change, the others one when they come. */
async function make(bed: Bed, size: number, from: number, step: Step): Promise<void> {
  const users = usersOf(size)
  const groups = users / size
  await bed.open(from, users, { groups: size, only: 'owners' })
  await bed.all(
    'form',
    () => ({ size }),
    (done) => step(done, groups),
  )
  await changed(bed, groups * changesOf)
  await bed.all('heard', () => null)
  await bed.all('close', () => null)
}

async function online(bed: Bed, size: number, from: number, options: FanoutOptions, step: Step): Promise<Run> {
  const users = usersOf(size)
  await bed.open(from, users, { groups: size })
  // Each member sees that it was added.
  if (!bed.target.relay) await changed(bed, users - users / size)
  const { inFlight, body, seconds } = options
  await bed.all('pump', () => ({ kind: 'groups', to: size, bodyBytes: body, inFlight, rate: 0 }))
  await warmUp(bed)
  const window = await observe(bed, async () => {
    for (let second = 0; second < seconds; second++) {
      await sleep(1_000)
      step(second + 1, seconds)
    }
  })
  await bed.drain()
  const faults = await arrived(bed, size)
  await bed.all('close', () => null)
  return { ...window, faults }
}

async function warmUp(bed: Bed): Promise<void> {
  const started = performance.now()
  await sleep(warm.minMs)
  while (performance.now() - started < warm.maxMs && (await bed.totals()).received < warm.copies) await sleep(200)
}

/** Rounds of messages, each when the copies of the last are durable. */
async function offline(bed: Bed, size: number, from: number, options: FanoutOptions, step: Step): Promise<Run> {
  const users = usersOf(size)
  const { inFlight, body, seconds } = options
  await bed.open(from, users, { groups: size, only: 'owners' })
  let copies = (await bed.sample()).copies?.durable ?? 0
  const rounds = async (ms: number) => {
    const started = performance.now()
    while (performance.now() - started < ms) {
      copies += (users / size) * inFlight * (size - 1)
      await bed.all('burst', () => ({ size, each: inFlight, bodyBytes: body }))
      await durable(bed, copies)
      step((performance.now() - started) / 1_000, ms / 1_000)
    }
  }
  await rounds(warm.minMs)
  const window = await observe(bed, () => rounds(seconds * 1_000))
  await bed.open(from, users, { groups: size, only: 'members' })
  const faults = await arrived(bed, size)
  await bed.all('close', () => null)
  return { ...window, faults }
}

async function changed(bed: Bed, changes: number): Promise<void> {
  const totals = await until(bed, (totals) => totals.changes >= changes)
  if (totals.changes !== changes)
    throw new Error(`members got ${totals.changes} changes of their groups, not ${changes}`)
}

async function durable(bed: Bed, copies: number): Promise<void> {
  await bed.durable(copies).catch(async (error: Error) => {
    const { failures } = await bed.totals()
    throw new Error([error.message, ...failures].join('; '))
  })
}

async function arrived(bed: Bed, size: number): Promise<Faults> {
  const totals = await until(bed, ({ sent, received }) => received >= sent * (size - 1))
  const { sent, received, duplicated, disordered, failures } = totals
  return { lost: sent * (size - 1) - received, duplicated, disordered, failures }
}

/** Looks until it is so, or nothing new comes for too long. */
async function until(bed: Bed, so: (totals: Sum) => boolean): Promise<Sum> {
  let totals = await bed.totals()
  let [entries, at] = [totals.entries, performance.now()]
  while (!so(totals) && performance.now() - at < catchUpMs) {
    await sleep(50)
    totals = await bed.totals()
    if (totals.entries > entries) [entries, at] = [totals.entries, performance.now()]
  }
  return totals
}
