/**
 * What Prometheus reads. Each metric reads a number that is there anyway, when it is asked for; that of Node.js itself (memory, collector,
 * delay of the event loop) begins to be watched at the first reading.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Counts } from '../embed/counts.ts'
import { closeNamed } from '../protocol/codes.ts'
import type { Took } from '../runtime/index.ts'
import type { HealthStore } from '../store/contract.ts'
import type { WebhookFigures } from './webhooks/webhooks.ts'

export type Metrics = { readonly contentType: string; read(): Promise<string> }

type Stats = {
  readonly sessions: number
  readonly users: { readonly present: number; readonly awake: number }
  readonly messages: number
  readonly turns: number
  readonly wakes: number
  readonly hibernations: number
  readonly restarts: number
  readonly deadLetters: number
  readonly overflows: number
}
type Context = {
  readonly counts: Counts
  readonly stats: () => Stats
  readonly store: HealthStore
  readonly groups: () => Stats['users']
  /** Entries that connected devices have not acknowledged. */
  readonly backlog: () => number
  /** Uploads and downloads under way, and the bytes that they brought and took. Missing, here and below: there are none. */
  readonly media?: (() => { readonly transfers: number; readonly received: number; readonly sent: number }) | undefined
  readonly webhooks?: (() => WebhookFigures) | undefined
  readonly cluster?: (() => ClusterFigures) | undefined
  /** For how long shards were still that this node has given away. */
  readonly stills?: (() => Took) | undefined
}

/** What is read of a cluster, as a node knows it. */
type ClusterFigures = {
  readonly name: string
  readonly standing: string
  readonly shards: readonly unknown[]
  readonly moving: number
  readonly sessions: number
  readonly nodes: readonly { readonly name: string; readonly isLinked: boolean; readonly waiting: number }[]
}

/** By what a number is told apart, and the number. */
type Row = readonly [label: string, value: number]

export function nodeMetrics(context: Context): Metrics {
  let registry: Registry | undefined
  return {
    contentType: Registry.PROMETHEUS_CONTENT_TYPE,
    read: () => {
      registry ??= registered(context)
      return registry.metrics()
    },
  }
}

/** Of Node.js, named against the rules of Prometheus, which says so at each reading. */
const misnamed = ['handles', 'requests', 'resources'].map((name) => `nodejs_active_${name}_total`)

function registered(context: Context): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  for (const name of misnamed) registry.removeSingleMetric(name)
  const registers = [registry]
  for (const [name, help, read] of gauges(context))
    new Gauge({
      name: `bluetick_${name}`,
      help,
      registers,
      async collect() {
        this.set(await read())
      },
    })
  for (const [name, help, read, label] of counters(context))
    new Counter({
      name: `bluetick_${name}_total`,
      help,
      registers,
      labelNames: label ? [label] : [],
      collect() {
        const value = read()
        this.reset()
        if (typeof value === 'number') return this.inc(value)
        for (const [of, count] of value) this.inc({ [label as string]: of }, count)
      },
    })
  const { counts, store, stills } = context
  const appends = 'Time until what was appended to a log was durable, with what it waited for.'
  registry.registerMetric(histogram('append_seconds', appends, () => counts.appends.read()) as never)
  const syncs = 'Time that the disk took for a write of what was appended, until it was synced.'
  const still = 'Time for which a shard was still that this node has given away, until what came for it went on.'
  if (stills) registry.registerMetric(histogram('cluster_still_seconds', still, stills) as never)
  if (store.syncs) registry.registerMetric(histogram('sync_seconds', syncs, store.syncs.bind(store)) as never)
  return registry
}

type GaugeRow = readonly [name: string, help: string, read: () => number | Promise<number>]

const gauges = ({ stats, store, groups, backlog, media, webhooks, cluster }: Context): readonly GaugeRow[] => [
  ['sessions', 'Connections that are open.', () => stats().sessions],
  ['users_awake', 'User actors in memory that are in use.', () => stats().users.awake],
  ['users_hibernated', 'User actors that hibernate.', () => stats().users.present - stats().users.awake],
  [
    'groups_awake',
    'Group actors in memory that are in use, as while copies wait for their members.',
    () => groups().awake,
  ],
  ['groups_hibernated', 'Group actors that hibernate.', () => groups().present - groups().awake],
  ['inbox_backlog', 'Entries that connected devices have not acknowledged.', backlog],
  ...(media ? [['media_transfers', 'Uploads and downloads under way.', () => media().transfers] as const] : []),
  ['store_up', '1: the store can be written.', async () => Number((await store.health()).ok)],
  ...(webhooks
    ? [['webhooks_waiting', 'Events that wait to be sent, or are under way.', () => webhooks().waiting] as const]
    : []),
  ...(store.traffic ? storeGauges(store.traffic.bind(store)) : []),
  ...(cluster ? clusterGauges(cluster) : []),
]

const storeGauges = (traffic: () => { running: number; waiting: number }): readonly GaugeRow[] => [
  ['store_requests', 'Requests to Cassandra that are under way.', () => traffic().running],
  ['store_requests_waiting', 'Requests to Cassandra that wait for their turn.', () => traffic().waiting],
]

const clusterGauges = (cluster: () => ClusterFigures): readonly GaugeRow[] => [
  ['cluster_up', '1: the node serves its shards.', () => Number(cluster().standing === 'up')],
  ['cluster_nodes', 'Nodes that are members.', () => cluster().nodes.length],
  [
    'cluster_nodes_unlinked',
    'Other members to which no link is open.',
    () => cluster().nodes.filter(({ isLinked }) => !isLinked).length,
  ],
  ['cluster_shards', 'Shards that this node has.', () => cluster().shards.length],
  ['cluster_shards_moving', 'Shards that it is giving away, or has not begun to serve.', () => cluster().moving],
  ['cluster_sessions', 'Sessions of other nodes whose users are here.', () => cluster().sessions],
  [
    'cluster_waiting_bytes',
    'Bytes that wait to go to other nodes.',
    () => cluster().nodes.reduce((sum, { waiting }) => sum + waiting, 0),
  ],
]

type CounterRow = readonly [name: string, help: string, read: () => number | readonly Row[], label?: string]

const counters = ({ counts, stats, media, webhooks }: Context): readonly CounterRow[] => [
  ['entered', 'Devices that came in.', () => counts.entered],
  [
    'refused_connections',
    'Connections, and requests for media, of nobody who may come in.',
    () => counts.turnedAway.entries(),
    'code',
  ],
  ['left', 'Connections of users that have ended, by close code.', () => counts.left.entries().map(named), 'code'],
  ['messages_accepted', 'Messages that became durable; one to a group counts once.', () => counts.accepted],
  ['group_copies', 'Copies of messages in groups that became durable, one for each member.', () => counts.copies],
  ['replayed_entries', 'Entries that were read from the store for devices that were behind.', () => counts.replayed],
  [
    'messages_delivered',
    'Messages that a first device of their recipient has; of a group each copy counts.',
    () => counts.delivered,
  ],
  ['messages_read', 'Those of them that somebody has read, as far as they are remembered.', () => counts.read],
  ['receipts', 'Times that a sender was told of more that is delivered or read.', () => counts.receipts],
  ['refused_frames', 'Frames that were refused.', () => counts.refused.entries(), 'code'],
  ['received_bytes', 'Bytes of WebSocket messages of clients.', () => counts.receivedBytes],
  [
    'sent_bytes',
    'Bytes of WebSocket messages to clients, those of text counted in characters.',
    () => counts.sentBytes,
  ],
  ...(media ? mediaCounters(media) : []),
  ['faults', 'What onFault is told of.', () => counts.faults.entries(), 'where'],
  ['actor_messages', 'Messages to actors.', () => stats().messages],
  ['actor_turns', 'Turns of actors.', () => stats().turns],
  ['actor_wakes', 'Actors that were loaded, or woke from hibernation.', () => stats().wakes],
  ['actor_hibernations', 'Actors that began to hibernate.', () => stats().hibernations],
  ['actor_restarts', 'Actors that crashed, and started again from the store.', () => stats().restarts],
  ['dead_letters', 'Messages to actors that were put aside.', () => stats().deadLetters],
  ['mailbox_overflows', 'Messages that were refused since the mailbox was full.', () => stats().overflows],
  ...(webhooks ? webhookCounters(webhooks) : []),
]

const mediaCounters = (media: NonNullable<Context['media']>): readonly CounterRow[] => [
  ['media_received_bytes', 'Bytes that uploads brought.', () => media().received],
  ['media_sent_bytes', 'Bytes that downloads took.', () => media().sent],
]

const webhookCounters = (webhooks: () => WebhookFigures): readonly CounterRow[] => [
  ['webhooks_sent', 'Events that their service took.', () => webhooks().sent],
  ['webhooks_failed', 'Requests with an event that it did not take.', () => webhooks().failed],
  ['webhooks_dead', 'Events that were put aside.', () => webhooks().dead],
  ['webhooks_lost', 'Events that were given up since too many waited, or for too long.', () => webhooks().lost],
]

const named = ([code, count]: Row): Row => [closeNamed(Number(code)) ?? code, count]

/** prom-client sorts each value into its buckets; here they are sorted already. */
function histogram(of: string, help: string, took: () => Took) {
  const [name, type] = [`bluetick_${of}`, 'histogram']
  const get = () => {
    const { steps, sum } = took()
    const count = steps.at(-1)?.count ?? 0
    const values = [
      ...steps.map(({ upTo, count }) => ({
        metricName: `${name}_bucket`,
        labels: { le: Number.isFinite(upTo) ? upTo / 1_000 : '+Inf' },
        value: count,
      })),
      { metricName: `${name}_sum`, labels: {}, value: sum / 1_000 },
      { metricName: `${name}_count`, labels: {}, value: count },
    ]
    return { name, help, type, aggregator: 'sum', values }
  }
  return { name, help, type, aggregator: 'sum', get, reset: () => {} }
}
