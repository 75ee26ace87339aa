/** How the driver is set up, and what may be set. */
import { readFile } from 'node:fs/promises'
import { auth, Client, type ClientOptions, policies, types } from 'cassandra-driver'
import { StoreError } from '../contract.ts'
import { explain, hostsOf } from './explain.ts'

export type CassandraOptions = {
  /** Hosts to begin with, "address" or "address:port"; the driver finds the others. */
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

/** Milliseconds to find the cluster at the start. */
const connectMs = 5_000
/** A read that is not answered by then is also sent to another host. Writes are not: it would double the load of a slow cluster. */
const speculateMs = 500

/** A driver that is connected. Rejects with a StoreError in words. `keyspace` null: none yet. */
export async function connectTo(options: CassandraOptions, keyspace: string | null): Promise<Client> {
  const client = new Client({
    ...settings(options),
    ...(await secured(options)),
    ...(keyspace !== null && { keyspace }),
  })
  // The driver reports hosts that come and go as 'log' events and needs no listener; an 'error' event would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    return client
  } catch (error) {
    await client.shutdown().catch(() => {})
    throw new StoreError('unavailable', unreachable(error, options), { cause: error })
  }
}

function unreachable(error: unknown, { contactPoints, localDc }: CassandraOptions): string {
  const hosts = hostsOf(error)
  if (hosts.length > 0)
    return `No host of datacenter ${localDc} answered within ${connectMs / 1000} s: ${hosts.join(', ')}.`
  const known = /local data center|localDataCenter/i.test(String(error))
  return known
    ? `The cluster at ${contactPoints.join(', ')} has no datacenter ${localDc}: ${explain(error)}.`
    : `The cluster at ${contactPoints.join(', ')} cannot be used: ${explain(error)}.`
}

function settings(options: CassandraOptions): ClientOptions {
  const { contactPoints, localDc, consistency = 'local_quorum', credentials, timeoutMs = 3_000 } = options
  const { consistencies } = types
  return {
    contactPoints: [...contactPoints],
    localDataCenter: localDc,
    queryOptions: {
      consistency: consistencies[consistencyNames[consistency]],
      serialConsistency: consistency === 'local_quorum' ? consistencies.localSerial : consistencies.serial,
    },
    socketOptions: { connectTimeout: connectMs, readTimeout: timeoutMs },
    pooling: { heartBeatInterval: 5_000 },
    policies: {
      loadBalancing: new policies.loadBalancing.TokenAwarePolicy(
        new policies.loadBalancing.DCAwareRoundRobinPolicy(localDc),
      ),
      reconnection: new policies.reconnection.ExponentialReconnectionPolicy(200, 2_000),
      retry: new Retry(),
      speculativeExecution: new SpeculativeReads(),
    },
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

/** A host that is gone is passed over; one that does not answer in time only once, so that a request has an end. */
class Retry extends policies.retry.RetryPolicy {
  override onRequestError(info: policies.retry.OperationInfo, _consistency: types.consistencies, error: Error) {
    const again = info.executionOptions.isIdempotent() && !(error.name === 'OperationTimedOutError' && info.nbRetry > 0)
    return again ? this.retryResult(undefined as never, false) : this.rethrowResult()
  }
}

class SpeculativeReads extends policies.speculativeExecution.NoSpeculativeExecutionPolicy {
  override newPlan(_keyspace: string, query: string | object[]) {
    let left = typeof query === 'string' && query.startsWith('SELECT') ? 1 : 0
    return { nextExecution: () => (left-- > 0 ? speculateMs : -1) }
  }
}
