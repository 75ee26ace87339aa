/** How the driver is set up, and what may be set. */
import { readFile } from 'node:fs/promises'
import type { Client, ClientOptions } from 'cassandra-driver'
import { StoreError } from '../error.ts'
import { driver } from './driver.ts'
import { explain, hostsOf } from './explain.ts'
import { policies } from './policies.ts'

/** Which cluster, and how much is asked of it at a time. */
export type CassandraOptions = {
  /** Hosts to begin with, "address" or "address:port"; the driver finds the others, on the same port. Default port 9042. */
  readonly contactPoints: readonly string[]
  /** The datacenter whose hosts are asked. */
  readonly localDc: string
  readonly keyspace: string
  /** How many replicas must answer. Default `local_quorum`; `quorum` spans datacenters. With less, what has a sent tick may be lost. */
  readonly consistency?: 'local_quorum' | 'quorum' | 'each_quorum' | 'all'
  /** User and password of the cluster. */
  readonly credentials?: { readonly user: string; readonly password: string }
  /** TLS to the cluster: `true` for certificates of public authorities, or files in PEM. */
  readonly tls?: boolean | { readonly ca?: string; readonly cert?: string; readonly key?: string }
  /** Milliseconds until a host that does not answer is given up, and another one asked once. Default 3,000. */
  readonly timeoutMs?: number
}

/** Milliseconds that a host has to answer when the node connects. */
const connectMs = 2_500
/** Seconds that all hosts have to take over a change of the schema. */
const agreementSeconds = 60
const defaultPort = 9042

/** A driver that is connected. Rejects with a StoreError in words. `keyspace` null: none yet. */
export async function connectTo(options: CassandraOptions, keyspace: string | null): Promise<Client> {
  const client = new (driver().Client)({
    ...settings(options),
    ...(await secured(options)),
    ...(keyspace !== null && { keyspace }),
  })
  // The driver reports hosts that come and go as 'log' events and needs no listener; an 'error' event would end the process.
  client.on('error', () => {})
  const began = performance.now()
  try {
    await client.connect()
    return client
  } catch (error) {
    await client.shutdown().catch(() => {})
    const seconds = Math.max(1, Math.round((performance.now() - began) / 1000))
    throw new StoreError('unavailable', unreachable(error, options, seconds), { cause: error })
  }
}

function unreachable(error: unknown, { contactPoints, localDc }: CassandraOptions, seconds: number): string {
  const cluster = `The cluster at ${contactPoints.join(', ')}`
  const hosts = hostsOf(error)
  const others = /only found hosts in data centers: \[(.*)\]/.exec(hosts.join())?.[1]
  if (others !== undefined) return `${cluster} has no datacenter ${localDc}, only ${others}.`
  if (hosts.length === 0) return `${cluster} cannot be used: ${explain(error)}.`
  return `No host of datacenter ${localDc} answered within ${seconds} s: ${hosts.join(', ')}.`
}

/** The port of the contact points. The driver tries the hosts that it finds on this one too: a RangeError where they have several. */
export function portOf({ contactPoints }: Pick<CassandraOptions, 'contactPoints'>): number {
  const ports = new Set(
    contactPoints.map((point) => Number(/^(?:[^:]*|\[.*\]):(\d+)$/.exec(point)?.[1] ?? defaultPort)),
  )
  const [port = defaultPort] = ports
  if (ports.size > 1)
    throw new RangeError(
      `contactPoints must all have the same port, on which the other hosts are found: ${contactPoints.join(', ')}`,
    )
  return port
}

function settings(options: CassandraOptions): ClientOptions {
  const { contactPoints, localDc, consistency = 'local_quorum', credentials, timeoutMs = 3_000 } = options
  const { auth, types } = driver()
  const { consistencies } = types
  return {
    contactPoints: [...contactPoints],
    localDataCenter: localDc,
    protocolOptions: { port: portOf(options), maxSchemaAgreementWaitSeconds: agreementSeconds },
    queryOptions: {
      consistency: consistencies[consistencyNames[consistency]],
      serialConsistency: consistency === 'local_quorum' ? consistencies.localSerial : consistencies.serial,
    },
    socketOptions: { connectTimeout: connectMs, readTimeout: timeoutMs },
    pooling: { heartBeatInterval: 5_000 },
    ...policies(localDc),
    ...(credentials && { authProvider: new auth.PlainTextAuthProvider(credentials.user, credentials.password) }),
  }
}

const consistencyNames = {
  local_quorum: 'localQuorum',
  quorum: 'quorum',
  each_quorum: 'eachQuorum',
  all: 'all',
} as const

async function secured({ tls }: CassandraOptions): Promise<ClientOptions> {
  if (!tls) return {}
  if (tls === true) return { sslOptions: { rejectUnauthorized: true } }
  const read = (file: string | undefined) => (file === undefined ? undefined : readFile(file))
  const [ca, cert, key] = await Promise.all([read(tls.ca), read(tls.cert), read(tls.key)])
  return {
    sslOptions: { rejectUnauthorized: true, ...(ca && { ca: [ca] }), ...(cert && { cert }), ...(key && { key }) },
  }
}
