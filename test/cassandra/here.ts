/** What the tests need of Cassandra: a node or a cluster for the file, and keyspaces in it. */
import { randomUUID } from 'node:crypto'
import { Client } from 'cassandra-driver'
import { afterAll, beforeAll } from 'vitest'
import type { CassandraOptions } from '../../src/store/cassandra/connection.ts'
import { applySchema } from '../../src/store/cassandra/schema.ts'
import { needs, onRequest } from '../skips.ts'
import { howToGet, oneNode, provides, providesClusters, type Running } from './server.mjs'

/** Milliseconds for a request: where no fault is tested, a busy machine shall not look like one. */
const patientMs = 20_000
/** Milliseconds for a cluster to start on a busy machine. */
export const startMs = 600_000

/** A server takes a gigabyte, and three of them a laptop: they start where they are asked for. */
const asked = Boolean(process.env['CASSANDRA_TESTS'] || process.env['CASSANDRA_CONTACT_POINTS'])
/** `npm run test:cassandra` does all; .ci/run has half an hour for everything, and leaves out what takes minutes and both cores. */
export const isWhole = process.env['CASSANDRA_TESTS'] === 'all'
const where = (what: string, present: boolean, how: string) =>
  asked
    ? needs(what, present, how)
    : onRequest('Cassandra starts only when it is asked for', asked, 'npm run test:cassandra')

export const oneNodeHere = where('Cassandra', provides(), howToGet)
export const clustersHere = where(
  'Cassandra that can be killed',
  providesClusters(),
  'apt-get install openjdk-17-jre-headless maven',
)

/** A node that runs while the tests of this file do, and may be shared with other files (test/cassandra/shared.mjs). Call it inside of a `describe` with `oneNodeHere`. */
export function cassandraNode(): { keyspace(): Promise<CassandraOptions> } {
  let running: Running | undefined
  const made: CassandraOptions[] = []
  beforeAll(async () => {
    running = await oneNode()
  }, startMs)
  afterAll(async () => {
    try {
      for (const options of made) await drop(options)
    } finally {
      await running?.stop()
    }
  }, startMs)
  return {
    async keyspace() {
      const options = { ...(await newKeyspace(running as Running, 1)), timeoutMs: patientMs }
      made.push(options)
      return options
    },
  }
}

/** Names a keyspace that is not there yet. */
export const keyspaceOf = ({ contactPoints, localDc }: Running): CassandraOptions => ({
  contactPoints,
  localDc,
  keyspace: `t${randomUUID().replaceAll('-', '')}`,
})

/** A keyspace of its own with the schema. */
export async function newKeyspace(running: Running, replicas: number): Promise<CassandraOptions> {
  const options = keyspaceOf(running)
  await applySchema({ ...options, timeoutMs: patientMs }, replicas)
  return options
}

async function drop(options: CassandraOptions): Promise<void> {
  const client = await driver(options)
  await client.execute(`DROP KEYSPACE ${options.keyspace}`)
  await client.shutdown()
}

/** A plain driver, to look at the tables and to write rows that a store would not. */
export async function driver({ contactPoints, localDc, keyspace }: CassandraOptions): Promise<Client> {
  const client = new Client({
    contactPoints: [...contactPoints],
    localDataCenter: localDc,
    keyspace,
    socketOptions: { readTimeout: patientMs },
  })
  await client.connect()
  return client
}

/** Empties the tables of a keyspace; its version and its term stay. */
export async function truncate(client: Client): Promise<void> {
  const query = 'SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?'
  const tables = (await client.execute(query, [client.keyspace])).rows.map((row) => row['table_name'])
  await Promise.all(tables.filter((name) => name !== 'settings').map((name) => client.execute(`TRUNCATE ${name}`)))
}

/** How the command line names a keyspace. */
export const named = ({
  contactPoints,
  localDc,
  keyspace,
  consistency = 'local_quorum',
  timeoutMs = 3_000,
}: CassandraOptions) => [
  '--contact-points',
  contactPoints.join(','),
  '--local-dc',
  localDc,
  '--keyspace',
  keyspace,
  '--consistency',
  consistency,
  '--cluster-timeout-ms',
  String(timeoutMs),
]
