/** What it costs that users are on several nodes: CPU of a message, frames between nodes, memory of a session elsewhere, and nodes that idle. */
import { sleep, withBed } from './bed.ts'
import { startChild } from './child.ts'
import { type Given, withKeyspace } from './keyspace.ts'
import { Members } from './members.ts'
import { slice } from './pace.ts'
import type { Progress } from './progress.ts'
import { started } from './started.ts'
import type { Talk } from './stream.ts'
import { streamCost } from './streams.ts'
import type { By, Ways } from './ways.ts'
import { rates } from './window.ts'

export type ClusterOptions = {
  readonly pairs: number
  /** Messages a second, of all. */
  readonly rate: number
  readonly body: number
  readonly seconds: number
  /** Seconds in which nobody is connected. */
  readonly soak: number
  /** Made-up sessions that are on another node than their user's actor. */
  readonly remote: number
  readonly generators: number
  readonly cassandra: Given
  readonly flags: readonly string[]
}

/** One also has a third of the load: so much each of three has, and a message of less load costs more, on one node as on several. */
const sizes = [1, 2, 3]
const most = 3

export async function cluster(options: ClusterOptions, progress: Progress) {
  return withKeyspace(options.cassandra, progress, async (keyspace) => {
    const members = new Members(keyspace, options.flags)
    try {
      return await measured(members, options, progress)
    } finally {
      await members.stop()
    }
  })
}

async function measured(members: Members, options: ClusterOptions, progress: Progress) {
  const loads: Load[] = []
  for (const nodes of sizes) {
    await members.add()
    const owners = await members.owners()
    for (const by of nodes === 1 ? (['home'] as const) : (['home', 'any'] as const)) {
      progress.step(`${nodes} nodes, ${by === 'home' ? 'homed' : 'forwarded'}`)
      loads.push(await load(members, waysOf(members, owners, by), options, loads[0]))
    }
    if (nodes > 1) continue
    progress.step('1 node, a third of the load')
    const ways = waysOf(members, owners, 'home')
    loads.push(await load(members, ways, { ...options, rate: options.rate / most }, loads[0]))
  }
  progress.step('idle')
  const idleShare = await idle(members, options.soak)
  if (options.remote > 0) progress.step('sessions elsewhere')
  const remote = options.remote > 0 && { remote_session_bytes: await remoteBytes(options.remote) }
  const [third, homed, forwarded] = [loads[1], ...loads.slice(-2)] as [Load, Load, Load]
  progress.step('bare streams')
  const batchUs = await streamCost(streamsOf(homed, options))
  const sum = (key: 'lost' | 'duplicated' | 'disordered' | 'unconfirmed') =>
    loads.reduce((all, one) => all + one[key], 0)
  return {
    pairs: options.pairs,
    rate: options.rate,
    ratio_homed_3: homed.ratio,
    ratio_forwarded_3: forwarded.ratio,
    ratio_third_of_load: third.ratio,
    ratio_homed_3_same_load: homed.ratio / third.ratio,
    ratio_forwarded_3_same_load: forwarded.ratio / third.ratio,
    stream_cpu_us_per_batch: batchUs,
    link_frames_per_message_homed: homed.link_frames_per_message,
    link_frames_per_message_forwarded: forwarded.link_frames_per_message,
    ...remote,
    idle_cpu_share: idleShare,
    loads,
    lost: sum('lost'),
    duplicated: sum('duplicated'),
    disordered: sum('disordered'),
    unconfirmed: sum('unconfirmed'),
    failures: loads.flatMap(({ failures }) => failures),
    generator_busiest_share: Math.max(...loads.map(({ generator_share }) => generator_share)),
  }
}

/** As many batches, as large, between two processes that do nothing else. */
function streamsOf(load: Load, { seconds }: ClusterOptions): Talk {
  const { link_batches_per_message: batches, link_bytes_per_message: bytes, nodes, messages_per_second } = load
  return { rate: (batches * messages_per_second) / (nodes * (nodes - 1)), bytes: Math.round(bytes / batches), seconds }
}

const waysOf = ({ ports }: Members, owners: Ways['owners'], by: By): Ways => ({ by, ports: [...ports], owners })

type Load = Awaited<ReturnType<typeof load>>

/** Pairs who write to each other at the rate, and read. `alone`: what it was with one node. */
async function load(
  members: Members,
  ways: Ways,
  options: ClusterOptions,
  alone?: { node_cpu_us_per_message: number },
) {
  const { pairs, rate, body, seconds, generators } = options
  return withBed({ is: 'members', members, ways, reads: true }, generators, async (bed) => {
    await bed.open(0, pairs * 2)
    // What runs is compiled before it counts, on a node that has just come, too.
    await slice(bed, rate, body, seconds)
    const { start, end, before, after, ms, ...window } = await slice(bed, rate, body, seconds)
    const messages = end.delivered - start.delivered
    const { cpuUs, perSecond, generatorShare } = rates({ start, end, before, after, ...window }, messages)
    const { sent, received, delivered, duplicated, disordered, failures } = await bed.totals()
    const linked = (what: 'frames' | 'batches' | 'bytes') =>
      ((after.links?.[what] ?? 0) - (before.links?.[what] ?? 0)) / messages
    return {
      rate,
      nodes: ways.ports.length,
      homed: ways.by === 'home',
      messages_per_second: perSecond,
      node_cpu_us_per_message: cpuUs,
      ratio: alone ? cpuUs / alone.node_cpu_us_per_message : 1,
      link_frames_per_message: linked('frames'),
      link_batches_per_message: linked('batches'),
      link_bytes_per_message: linked('bytes'),
      sent_p50_ms: ms.sent.percentile(0.5),
      delivered_p50_ms: ms.delivered.percentile(0.5),
      delivered_p99_ms: ms.delivered.percentile(0.99),
      generator_share: generatorShare,
      lost: sent - received,
      unconfirmed: sent - delivered,
      duplicated,
      disordered,
      failures,
    }
  })
}

/** Of a core, by a node of those that do nothing. */
async function idle(members: Members, seconds: number): Promise<number> {
  await members.all('reset')
  await sleep(2_000)
  const before = await members.samples()
  await sleep(seconds * 1_000)
  const after = await members.samples()
  const shares = after.map(
    ({ at, cpuUs }, n) => (cpuUs - (before[n]?.cpuUs ?? 0)) / 1_000 / (at - (before[n]?.at ?? 0)),
  )
  return shares.reduce((sum, share) => sum + share, 0) / shares.length
}

/** What the heaps of both nodes hold for a session that another node has than the user's actor, beyond one that is at home. */
async function remoteBytes(sessions: number): Promise<number> {
  const child = startChild('far', [], started.flags, started.env)
  try {
    return await child.ask<number>('bytes', sessions)
  } finally {
    await child.stop()
  }
}
