/** What an idle connected user costs: resident memory, heap, kernel memory, and CPU for heartbeats. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { type Bed, type Server, sleep, withBed } from './bed.ts'
import { callsOf, callsPer } from './calls.ts'
import { type Given, withKeyspace } from './keyspace.ts'
import { Members } from './members.ts'
import type { Progress } from './progress.ts'
import type { NodeSample } from './sample.ts'
import { busiestShare } from './window.ts'

export type DensityOptions = {
  readonly users: number
  readonly generators: number
  /** Seconds of heartbeats alone, in which CPU is counted. */
  readonly soak: number
  /** Then a day-like mix for this many seconds; 0: none. */
  readonly mixSeconds: number
  /** Counts system calls of heartbeats, too. */
  readonly calls: boolean
  /** Tells the heap by class, too. */
  readonly classes: boolean
}

/** Users that connect and leave before the first look, so that code, caches and allocators have their size. */
const warmUsers = 1_000
/** Actors stay awake for 5 s, and what was put off is written after 2 s: on a busy machine it may take longer. */
const quiet = { leastMs: 9_000, mostMs: 90_000 }
/** The SDK pings when nothing came for half of the heartbeat time. */
const pingMs = 15_000
const callsSeconds = 5

type Idle = {
  readonly before: NodeSample
  /** As it is when all are connected and asleep, and after its garbage was collected. */
  readonly settled: NodeSample
  readonly after: NodeSample
  readonly kernelBytes: number
  readonly connectMs: number
  /** Of a core, of the busiest generator while it connected. */
  readonly connectShare: number
  readonly cpuShare: number
  /** System calls of so many seconds of heartbeats. */
  readonly calls: ReadonlyMap<string, number>
  readonly mix: Mix | undefined
  readonly lost: number
  readonly duplicated: number
  readonly disordered: number
  readonly failures: readonly string[]
}
type Mix = { readonly cpuShare: number; readonly messagesPerSecond: number; readonly after: NodeSample }

export async function density(server: Server, options: DensityOptions, progress: Progress) {
  const { users } = options
  const floor = await withBed({ is: 'floor' }, options.generators, (bed) =>
    idle(bed, { ...options, mixSeconds: 0 }, progress.step('floor')),
  )
  const node = await withBed(server, options.generators, (bed) => idle(bed, options, progress.step('node')))
  const per = ({ before, after }: Idle, pick: (sample: NodeSample) => number) => (pick(after) - pick(before)) / users
  const rss = per(node, ({ rss }) => rss)
  const floorRss = per(floor, ({ rss }) => rss)
  const pings = (callsSeconds * 1_000 * users) / pingMs
  return {
    users,
    node_rss_bytes_per_user: rss,
    node_rss_bytes_per_user_before_collection: (node.settled.rss - node.before.rss) / users,
    node_heap_bytes_per_user: per(node, ({ heap }) => heap),
    node_external_bytes_per_user: per(node, ({ external }) => external),
    kernel_bytes_per_user: node.kernelBytes / users,
    floor_rss_bytes_per_user: floorRss,
    floor_heap_bytes_per_user: per(floor, ({ heap }) => heap),
    floor_kernel_bytes_per_user: floor.kernelBytes / users,
    ratio_to_floor: rss / floorRss,
    node_rss_bytes: node.after.rss,
    node_rss_bytes_empty: node.before.rss,
    connect_per_second: users / (node.connectMs / 1_000),
    floor_connect_per_second: users / (floor.connectMs / 1_000),
    generator_busiest_share: node.connectShare,
    floor_generator_busiest_share: floor.connectShare,
    idle_cpu_share: node.cpuShare,
    floor_idle_cpu_share: floor.cpuShare,
    idle_cpu_ratio_to_floor: node.cpuShare / floor.cpuShare,
    ...callsPer('node', 'ping', node.calls, pings),
    ...callsPer('floor', 'ping', floor.calls, pings),
    ...(options.classes && (await densityByClass(server, options, progress))),
    actors_awake: node.after.stats?.users.awake ?? 0,
    ...(node.mix && {
      mix_cpu_share: node.mix.cpuShare,
      mix_messages_per_second: node.mix.messagesPerSecond,
      mix_rss_bytes_per_user: (node.mix.after.rss - node.before.rss) / users,
    }),
    lost: node.lost,
    duplicated: node.duplicated,
    disordered: node.disordered,
    failures: [...floor.failures, ...node.failures],
  }
}

/**
 * What an idle user has in V8's heap, counted and not weighed: the sum without code, of which V8 compiles more or less as it goes, and each
 * class. What has none is by its kind: strings, tables (array), fields that stand beside their object (PropertyArray).
 */
export async function densityByClass(
  server: Server,
  { users, generators }: Pick<DensityOptions, 'users' | 'generators'>,
  progress: Progress,
): Promise<Record<string, number>> {
  return withBed(server, generators, async (bed) => {
    const step = progress.step('node, by class')
    await warmUp(bed, users)
    const before = await bed.classes()
    await bed.open(0, users, {}, (done) => step(done, users))
    await whenQuiet(bed)
    const after = await bed.classes()
    const each = Object.entries(after).map(([name, bytes]) => [name, (bytes - (before[name] ?? 0)) / users] as const)
    const data = each.filter(([name]) => name !== 'code').reduce((sum, [, bytes]) => sum + bytes, 0)
    const many = each.filter(([, bytes]) => Math.abs(bytes) >= 1).sort(([, one], [, other]) => other - one)
    return {
      data_bytes_per_user: data,
      ...Object.fromEntries(many.map(([name, bytes]) => [`heap_bytes_of_${name.replace('system / ', '')}`, bytes])),
    }
  })
}

export type ClusterDensityOptions = DensityOptions & {
  readonly nodes: number
  readonly cassandra: Given
  readonly flags: readonly string[]
}

/** The same of so many nodes, at one port: the kernel gives each its part of the connections, whoever has the users' actors. */
export async function densityOfCluster(options: ClusterDensityOptions, progress: Progress) {
  const { users, nodes } = options
  return withKeyspace(options.cassandra, progress, async (keyspace) => {
    const members = new Members(keyspace, options.flags)
    try {
      const port = await freePort()
      while (members.ports.length < nodes) await members.add(port)
      const ways = { by: 'any', ports: [...members.ports], owners: await members.owners() } as const
      const server = { is: 'members', members, ways, reads: false } as const
      return await withBed(server, options.generators, async (bed) => {
        const node = await idle(bed, options, progress.step(`${nodes} nodes`))
        const sessions = (await members.samples()).map(({ stats }) => stats?.sessions ?? 0)
        return {
          users,
          nodes,
          node_rss_bytes_per_user: (node.after.rss - node.before.rss) / users,
          node_heap_bytes_per_user: (node.after.heap - node.before.heap) / users,
          kernel_bytes_per_user: node.kernelBytes / users,
          node_rss_bytes: node.after.rss,
          sessions: sessions.reduce((sum, count) => sum + count, 0),
          sessions_of_fullest: Math.max(...sessions),
          connect_per_second: users / (node.connectMs / 1_000),
          generator_busiest_share: node.connectShare,
          idle_cpu_share: node.cpuShare,
          lost: node.lost,
          duplicated: node.duplicated,
          disordered: node.disordered,
          failures: node.failures,
        }
      })
    } finally {
      await members.stop()
    }
  })
}

/** One that nobody has now: what the system chooses for a node is that node's alone. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function idle(bed: Bed, options: DensityOptions, progress: (done: number, of: number) => void): Promise<Idle> {
  const { users, soak } = options
  await warmUp(bed, users)
  const before = await collected(bed)
  const kernel = kernelBytes()
  const start = await bed.totals()
  const started = performance.now()
  await bed.open(0, users, {}, (done) => progress(done, users))
  const connectMs = performance.now() - started
  const connectShare = busiestShare(start, await bed.totals(), connectMs)
  const asleep = await whenQuiet(bed)
  const after = await collected(bed)
  // Each connection has two ends, and both are on this machine.
  const kernelGrowth = (kernelBytes() - kernel) / 2
  await bed.all('beat', () => ({ everyMs: pingMs }))
  await sleep(2_000)
  const from = await bed.sample()
  await sleep(soak * 1_000)
  const to = await bed.sample()
  const calls = options.calls ? await callsOf(bed.pid, () => sleep(callsSeconds * 1_000)) : new Map()
  const mix = options.mixSeconds > 0 ? await day(bed, options.mixSeconds) : undefined
  const { sent, received, duplicated, disordered, failures } = await bed.totals()
  const cpuShare = (to.cpuUs - from.cpuUs) / 1_000 / (to.at - from.at)
  const lost = sent - received
  return {
    mix,
    lost,
    duplicated,
    disordered,
    before,
    settled: asleep,
    after,
    kernelBytes: kernelGrowth,
    connectMs,
    connectShare,
    cpuShare,
    calls,
    failures,
  }
}

async function warmUp(bed: Bed, from: number): Promise<void> {
  await bed.open(from, warmUsers)
  await bed.all('close', () => null)
  await whenQuiet(bed)
}

async function day(bed: Bed, seconds: number): Promise<Mix> {
  const from = await bed.sample()
  await bed.all('mix', () => ({ target: bed.target, seconds, bodyBytes: 200 }))
  const after = await bed.sample()
  const { sent } = await bed.totals()
  const ms = after.at - from.at
  return { cpuShare: (after.cpuUs - from.cpuUs) / 1_000 / ms, messagesPerSecond: sent / (ms / 1_000), after }
}

async function whenQuiet(bed: Bed): Promise<NodeSample> {
  const until = performance.now() + quiet.mostMs
  await sleep(quiet.leastMs)
  let sample = await bed.sample()
  while ((sample.stats?.users.awake ?? 0) > 0 && performance.now() < until) {
    await sleep(1_000)
    sample = await bed.sample()
  }
  return sample
}

/** Pages are given back a moment after a collection. */
async function collected(bed: Bed): Promise<NodeSample> {
  await bed.collect()
  await sleep(1_000)
  await bed.collect()
  return bed.sample()
}

/** Memory of the kernel that sockets live in: unreclaimable slabs, and the buffers of TCP. Of the whole machine. */
function kernelBytes(): number {
  try {
    const slabs = /SUnreclaim:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]
    const pages = /TCP:.* mem (\d+)/.exec(readFileSync('/proc/net/sockstat', 'utf8'))?.[1]
    return Number(slabs ?? 0) * 1024 + Number(pages ?? 0) * 4096
  } catch {
    return 0
  }
}
