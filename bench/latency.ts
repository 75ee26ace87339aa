/**
 * What a message costs that comes alone, and how long its ticks take: at the rates of a quiet and of a busy hour, and up to the
 * largest rate at which nearly all are fast. Beside it, slice by slice, a bare relay at the same rates, and the bare disk.
 */
import { type Bed, type Server, sleep, withBeds } from './bed.ts'
import { climb, isWithin } from './climb.ts'
import { spaced, syncs } from './disk.ts'
import type { Histogram } from './histogram.ts'
import { disturbance, during, lone, type Pace, paceOf, type Slice, slice, warmUpLone } from './pace.ts'
import type { Progress } from './progress.ts'
import { warmUp } from './throughput.ts'

export type LatencyOptions = {
  readonly pairs: number
  readonly inFlight: number
  readonly body: number
  /** Seconds of each rate that users live at, and of each step of the search. */
  readonly loneSeconds: number
  readonly seconds: number
  readonly generators: number
  /** Only these rates, and no search; none: those and the search. */
  readonly rates: readonly number[]
  /** Another build, measured in turn with this one. */
  readonly against: Server | undefined
  /** Beside them a relay that writes each message durably. */
  readonly durable: boolean
}

type Seat = 'floor' | 'durable' | 'node' | 'against'
type Beds = Readonly<Partial<Record<Seat, Bed>>>
/** What each seat came to, by rate. */
type Paces = Map<number, Partial<Record<Seat, Pace>>>

/** All seats have a slice of a rate, then all the next one: what else the machine does meets all of them. */
const sliceSeconds = 4
/** A round in which other programs took more of a core than this is done again, but no more than so many times as many in all. */
const calm = { share: 0.15, patience: 2 }
const diskSeconds = 2
const spacedSeconds = 10
const idleSeconds = 3
/** What the warm-up has left, for example to be moved within the store, is done after this. */
const settleMs = 3_000
/** A relay that takes longer was disturbed: then a node may take so much longer than the relay. */
const relayLimitMs = 2
const targetMs = { undisturbed: 5, beyondRelay: 3 }

export async function latency(server: Server, options: LatencyOptions, progress: Progress) {
  const { generators, against, durable } = options
  const diskBefore = await syncs(diskSeconds)
  const servers = {
    floor: { is: 'floor' } as const,
    ...(durable && { durable: { is: 'durable' } as const }),
    node: server,
    ...(against && { against }),
  }
  const run = await withBeds(servers, generators, (beds) => measure(beds, options, progress))
  const diskAfter = await syncs(diskSeconds)
  const { paces, idle, disks, largest, faults } = run
  const at = (rate: number) => paces.get(rate) ?? {}
  const ratio = (rate: number) => (at(rate).node?.cpuUs ?? 0) / (at(rate).floor?.cpuUs ?? 0)
  const wanted = lone.filter((rate) => paces.has(rate))
  return {
    ...each('lone_cpu_ratio', wanted, ratio),
    ...each('delivered_p99_ms', wanted, (rate) => at(rate).node?.deliveredP99),
    ...each('floor_delivered_p99_ms', wanted, (rate) => at(rate).floor?.deliveredP99),
    ...each('sent_p50_ms', wanted, (rate) => at(rate).node?.sentP50),
    ...each('answered_p50_ms', wanted, (rate) => at(rate).node?.answeredP50),
    ...each('disk_spaced_p50_ms', wanted, (rate) => disks.get(rate)?.percentile(0.5)),
    ...each('disk_spaced_p99_ms', wanted, (rate) => disks.get(rate)?.percentile(0.99)),
    ...Object.fromEntries([...largest].map(([seat, rate]) => [`${prefix[seat]}max_rate_p99_10ms`, rate])),
    ...Object.fromEntries(Object.entries(idle).map(([seat, share]) => [`${seat}_idle_cpu_share`, share])),
    rates: [...paces].sort(([one], [other]) => one - other).map(([rate, seats]) => row(rate, seats)),
    disk_sync_cpu_us: Math.min(diskBefore.cpuUs, diskAfter.cpuUs),
    disk_sync_p50_ms: diskBefore.took.percentile(0.5),
    disk_sync_p99_ms: diskBefore.took.percentile(0.99),
    disk_sync_p50_ms_after: diskAfter.took.percentile(0.5),
    disk_sync_p99_ms_after: diskAfter.took.percentile(0.99),
    ...faults,
  }
}

/** What the names of figures begin with. */
const prefix: Readonly<Record<Seat, string>> = { floor: 'floor_', durable: 'durable_', node: '', against: 'against_' }

/** A figure of each rate, by its name. */
const each = (name: string, rates: readonly number[], of: (rate: number) => number | undefined) =>
  Object.fromEntries(rates.map((rate) => [`${name}_${rate}`, of(rate)]))

async function measure(beds: Beds, options: LatencyOptions, progress: Progress) {
  const { rates, pairs, body, inFlight } = options
  for (const bed of Object.values(beds)) {
    await bed.open(0, pairs * 2)
    await bed.all('pump', () => ({ kind: 'pairs', to: 0, bodyBytes: body, inFlight, rate: 0 }))
    await warmUp(bed)
    await bed.drain()
    await warmUpLone(bed, body)
  }
  await sleep(settleMs)
  const idle = await idleShares(beds)
  const paces: Paces = new Map()
  const at = async (rate: number, seconds: number, seats: readonly Seat[]) => {
    const step = progress.step(`${rate.toLocaleString('en')}/s`)
    const measured = await inTurn(beds, seats, rate, body, seconds, step)
    paces.set(rate, { ...paces.get(rate), ...measured })
    return seats.filter((seat) => isWithin(measured[seat] as Pace))
  }
  const seats = Object.keys(beds) as Seat[]
  for (const rate of rates.length > 0 ? rates : lone) await at(rate, options.loneSeconds, seats)
  const disks = new Map<number, Histogram>()
  for (const rate of lone.filter((rate) => paces.has(rate))) {
    const { result } = await during(beds.floor as Bed, rate, body, () =>
      spaced(rate, Math.min(options.loneSeconds, spacedSeconds)),
    )
    disks.set(rate, result)
  }
  const climbers = seats.filter((seat) => seat !== 'floor')
  const held = (seat: Seat, rate: number) => isWithin(paces.get(rate)?.[seat] as Pace)
  const search = (rate: number, some: readonly Seat[]) => at(rate, options.seconds, ['floor', ...some])
  const largest = rates.length > 0 ? new Map<Seat, number>() : await climb(climbers, held, search)
  return { paces, idle, disks, largest, faults: await faultsOf(climbers.flatMap((seat) => beds[seat] ?? [])) }
}

/**
 * Each seat has a slice, then each its next one, in turn from the front and from the back. Of the rounds those count that other programs
 * disturbed the least: a busy machine makes a message cheaper, since several then share a turn, and its ticks slower.
 */
async function inTurn(
  beds: Beds,
  seats: readonly Seat[],
  rate: number,
  body: number,
  seconds: number,
  step: (done: number, of: number) => void,
) {
  const wanted = Math.ceil(seconds / sliceSeconds)
  const rounds: { slices: Map<Seat, Slice>; disturbed: number }[] = []
  const isDone = () => rounds.filter(({ disturbed }) => disturbed <= calm.share).length >= wanted
  while (!isDone() && rounds.length < wanted * calm.patience) {
    const slices = new Map<Seat, Slice>()
    for (const seat of rounds.length % 2 === 0 ? seats : seats.toReversed())
      slices.set(seat, await slice(beds[seat] as Bed, rate, body, seconds / wanted))
    rounds.push({ slices, disturbed: Math.max(...[...slices.values()].map(disturbance)) })
    step(rounds.length, wanted)
  }
  const best = rounds.toSorted((one, other) => one.disturbed - other.disturbed).slice(0, wanted)
  const paces = seats.map((seat) => [
    seat,
    paceOf(
      rate,
      best.flatMap(({ slices }) => slices.get(seat) ?? []),
    ),
  ])
  return Object.fromEntries(paces) as Partial<Record<Seat, Pace>>
}

/** CPU of the same users when none of them sends. */
async function idleShares(beds: Beds): Promise<Partial<Record<Seat, number>>> {
  const seats = Object.entries(beds)
  const before = await Promise.all(seats.map(([, bed]) => bed.sample()))
  await sleep(idleSeconds * 1_000)
  const after = await Promise.all(seats.map(([, bed]) => bed.sample()))
  const share = (n: number) => ((after[n]?.cpuUs ?? 0) - (before[n]?.cpuUs ?? 0)) / 1_000 / (idleSeconds * 1_000)
  return Object.fromEntries(seats.map(([seat], n) => [seat, share(n)]))
}

async function faultsOf(beds: readonly Bed[]) {
  const sums = await Promise.all(beds.map((bed) => bed.totals()))
  const all = (pick: (sum: (typeof sums)[number]) => number) => sums.reduce((total, sum) => total + pick(sum), 0)
  return {
    lost: all(({ sent, received }) => sent - received),
    duplicated: all(({ duplicated }) => duplicated),
    disordered: all(({ disordered }) => disordered),
    unconfirmed: all(({ sent, delivered }) => sent - delivered),
    failures: sums.flatMap(({ failures }) => failures),
  }
}

function row(rate: number, seats: Partial<Record<Seat, Pace>>) {
  const { floor, node, durable, against } = seats
  if (!floor) return { rate }
  const undisturbed = floor.deliveredP99 <= relayLimitMs
  const all = Object.values(seats)
  return {
    rate,
    ...(node && taken('node', node, floor)),
    floor_cpu_us_per_message: floor.cpuUs,
    floor_kernel_cpu_us_per_message: floor.kernelUs,
    floor_main_cpu_share: floor.mainShare,
    floor_delivered_p50_ms: floor.deliveredP50,
    floor_delivered_p99_ms: floor.deliveredP99,
    floor_generator_late_p99_ms: floor.lateP99,
    undisturbed,
    target_p99_ms: undisturbed ? targetMs.undisturbed : floor.deliveredP99 + targetMs.beyondRelay,
    ...(durable && taken('durable', durable, floor)),
    ...(against && taken('against', against, floor)),
    ...(node && against && { cpu_ratio_to_against: node.cpuUs / against.cpuUs }),
    generator_busiest_share: Math.max(...all.map(({ generatorShare }) => generatorShare)),
    steal_share: Math.max(...all.map(({ stealShare }) => stealShare)),
    others_cpu_share: Math.max(...all.map(({ otherShare }) => otherShare)),
  }
}

function taken(seat: Exclude<Seat, 'floor'>, pace: Pace, floor: Pace) {
  const its = prefix[seat]
  return {
    [`${its}held`]: pace.held,
    [`${seat}_cpu_us_per_message`]: pace.cpuUs,
    [`${seat}_kernel_cpu_us_per_message`]: pace.kernelUs,
    [`${its}cpu_ratio_to_floor`]: pace.cpuUs / floor.cpuUs,
    [`${seat}_main_cpu_share`]: pace.mainShare,
    [`${its}loop_busy_share`]: pace.loopShare,
    [`${its}sent_p50_ms`]: pace.sentP50,
    [`${its}sent_p99_ms`]: pace.sentP99,
    [`${its}answered_p50_ms`]: pace.answeredP50,
    [`${its}delivered_p50_ms`]: pace.deliveredP50,
    [`${its}delivered_p99_ms`]: pace.deliveredP99,
    [`${its}generator_late_p50_ms`]: pace.lateP50,
    [`${its}generator_late_p99_ms`]: pace.lateP99,
  }
}
