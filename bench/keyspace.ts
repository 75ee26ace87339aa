/** A keyspace for a run: of the Cassandra that is named, or of one that is started for it, which only the repository can. */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Misuse } from '../src/cli/misuse.ts'
import { type CassandraOptions, connectTo } from '../src/store/cassandra/connection.ts'
import { applySchema } from '../src/store/cassandra/schema.ts'
import { type Child, startChild } from './child.ts'
import type { Progress } from './progress.ts'

/** Milliseconds for a request: the machine has the load, the nodes and Cassandra. */
const timeoutMs = 20_000

/** Where a Cassandra runs: hosts like 10.0.0.1:9042, and their datacenter. Empty: none does, and datacenter1. */
export type Given = { readonly contactPoints: string; readonly localDc: string }

/** Runs `use` with a keyspace that goes with it. */
export async function withKeyspace<T>(
  given: Given,
  progress: Progress,
  use: (options: CassandraOptions) => Promise<T>,
): Promise<T> {
  const child = given.contactPoints === '' ? startChild('cassandra', [await starter()]) : undefined
  try {
    progress.step('Cassandra starts')
    const where = child ? await started(child) : hostsOf(given)
    const options = { ...where, keyspace: `bench${randomUUID().replaceAll('-', '')}`, timeoutMs }
    await applySchema(options, 1)
    try {
      return await use(options)
    } finally {
      if (!child) await drop(options)
    }
  } finally {
    await child?.stop()
  }
}

const hostsOf = ({ contactPoints, localDc }: Given) => ({
  contactPoints: contactPoints.split(','),
  localDc: localDc || 'datacenter1',
})
const started = (child: Child) => child.ask<Pick<CassandraOptions, 'contactPoints' | 'localDc'>>('start')

/** The file that starts one. Throws a Misuse where there is none, or no Java. */
async function starter(): Promise<string> {
  const file = ['../', '../../']
    .map((up) => fileURLToPath(new URL(`${up}test/cassandra/server.mjs`, import.meta.url)))
    .find(existsSync)
  if (!file)
    throw new Misuse('a cluster needs a Cassandra: name one that runs by --contact-points, like 127.0.0.1:9042')
  const { provides, howToGet }: typeof import('../test/cassandra/server.mjs') = await import(pathToFileURL(file).href)
  if (provides()) return file
  throw new Misuse(`no Cassandra can be started here: ${howToGet}; or name one that runs by --contact-points`)
}

async function drop(options: CassandraOptions): Promise<void> {
  const client = await connectTo(options, null)
  await client.execute(`DROP KEYSPACE ${options.keyspace}`)
  await client.shutdown()
}
