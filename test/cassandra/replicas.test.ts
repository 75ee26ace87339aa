/**
 * What single replicas have: rows that reached one of three only, written while the others hung, and no hints that bring them later.
 * The cluster listens on another port than Cassandra's own, which the driver must be told.
 */
import { Client } from 'cassandra-driver'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type CassandraOptions, connectTo } from '../../src/store/cassandra/connection.ts'
import { applySchema, checkSchema } from '../../src/store/cassandra/schema.ts'
import { clustersHere, newKeyspace } from './here.ts'
import { startCluster } from './server.mjs'

const port = 9142

describe('on three Cassandras of another port', { ...clustersHere, timeout: 120_000 }, () => {
  let cluster: Awaited<ReturnType<typeof startCluster>>
  let options: CassandraOptions
  beforeAll(async () => {
    cluster = await startCluster(3, { port, hints: false })
    options = { ...(await newKeyspace(cluster, 3)), consistency: 'quorum' }
  }, 300_000)
  afterAll(() => cluster?.stop(), 60_000)

  function hangFor(ms: number): void {
    for (const node of cluster.nodes) node.pause()
    setTimeout(() => {
      for (const node of cluster.nodes) node.resume()
    }, ms)
  }

  it('all hosts are asked', async () => {
    const client = await connectTo({ ...options, contactPoints: cluster.contactPoints.slice(0, 1) }, null)
    const hosts = () =>
      client.hosts
        .values()
        .map((host) => `${host.address} ${host.isUp() ? 'up' : 'down'}`)
        .sort()
    await expect.poll(hosts).toEqual(cluster.nodes.map(({ host }) => `${host}:${port} up`))
    const asked = new Set<string>()
    for (let n = 0; n < 12; n++) asked.add((await client.execute('SELECT key FROM system.local')).info.queriedHost)
    await client.shutdown()
    expect(asked.size).toBe(3)
  })

  it('the schema is made also where that takes longer than a read may', async () => {
    const mine = { ...options, keyspace: `${options.keyspace}_slow`, timeoutMs: 3_000 }
    const execute = Client.prototype.execute
    const hang = vi.spyOn(Client.prototype, 'execute').mockImplementation(function (this: Client, ...args: [string]) {
      if (/^CREATE TABLE.*\.inboxes /.test(args[0])) hangFor(4_000)
      return execute.apply(this, args as never)
    })
    await applySchema(mine, 3)
    hang.mockRestore()
    expect(await checkSchema({ ...mine, timeoutMs: 20_000 })).toEqual([])
  })
})
