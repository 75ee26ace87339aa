/**
 * Reading from Cassandra: nothing behind the cursor, no tombstones, and long inboxes in pages. REPLAY_ENTRIES=1000000 reads a
 * million of them; partitions are then of a size that Cassandra has measured.
 */
import { Client as Driver, type types } from 'cassandra-driver'
import { describe, expect, it, vi } from 'vitest'
import { connect, memoryStorage } from '../../src/client/index.ts'
import { cassandraStore, createNode } from '../../src/index.ts'
import type { CassandraOptions } from '../../src/store/cassandra/connection.ts'
import { message, user } from '../contracts/store.ts'
import { cassandraNode, driver, oneNodeHere } from './here.ts'
import { residentMb, serve } from './serve.ts'

const polled = { interval: 5 }
const many = Number(process.env['REPLAY_ENTRIES'] ?? 100_000)

describe('reading from Cassandra', { ...oneNodeHere, timeout: 200_000 + many }, () => {
  const cassandra = cassandraNode()

  it('reads nothing behind the cursor and meets no tombstones when the same person comes and goes 200 times', async () => {
    const mine = await cassandra.keyspace()
    const [bob, before, visits] = [user('bob'), 1_500, 200]
    const store = cassandraStore(mine)
    await store.open()
    const entries = Array.from({ length: before }, (_, n) => message(n + 1))
    await store.append(bob, 7, 1, entries)
    await store.saveCursors(bob, 7, [{ device: 'phone' as never, seq: before, seenAt: Date.now() }], before)
    await store.close()

    const execute = vi.spyOn(Driver.prototype, 'execute')
    // On a slow disk a device says late what it has, and a node that has not heard it reads it again.
    const storage = memoryStorage()
    const came: unknown[] = []
    let lowest = Number.MAX_SAFE_INTEGER
    for (let visit = 0; visit < visits; ) {
      // Each life of a node reads the inbox's record anew.
      const ticks = { delivered: 0, read: 0 }
      const node = createNode({
        store: cassandraStore(mine),
        onDelivered: ({ upTo }) => Object.assign(ticks, { delivered: upTo.seq }),
        onRead: ({ upTo }) => Object.assign(ticks, { read: upTo.seq }),
      })
      const { url } = await node.listen({ port: 0 })
      for (const upTo = visit + 10; visit < upTo; visit++) {
        const { seq } = await node.send({ from: 'alice', to: 'bob', body: `visit ${visit}` })
        const client = connect({ url, token: 'bob', device: 'phone', storage })
        const reading = (async () => {
          for await (const message of client.messages()) {
            came.push(message.body)
            message.read()
          }
        })()
        await expect.poll(() => ticks, polled).toEqual({ delivered: seq, read: seq })
        await client.close()
        await reading
        const pages = execute.mock.calls.filter(([query]) => query.includes('body') && query.includes('seq >= ?'))
        for (const [, params] of pages) {
          const [whose, , from] = params as unknown as [string, number, types.Long]
          if (whose === bob) lowest = Math.min(lowest, Number(from) - seq)
        }
        execute.mockClear()
      }
      await node.close()
    }
    execute.mockRestore()
    expect(came).toEqual(Array.from({ length: visits }, (_, n) => `visit ${n}`))
    // A page begins with the row before, whose term tells which of those that follow are dead. What was read is looked at once
    // more when that is confirmed, if need be in the next visit.
    expect(lowest).toBeGreaterThanOrEqual(-2)
    const [rows, tombstones] = [await most(mine, 'rows_per_read'), await most(mine, 'tombstones_per_read')]
    console.log(
      `200 visits of a client: rows of a read at most ${JSON.stringify(rows)}, tombstones ${JSON.stringify(tombstones)}`,
    )
    for (const count of Object.values(rows)) expect(count).toBeLessThanOrEqual(3)
    for (const count of Object.values(tombstones)) expect(count).toBeLessThanOrEqual(1)
  })

  it(`replays ${many.toLocaleString('en')} entries in pages, in the same memory, from bounded partitions`, async () => {
    const options = await cassandra.keyspace()
    const store = cassandraStore(options)
    await store.open()
    for (let next = 1; next <= many; next += 2_000)
      await store.append(
        user('reader'),
        7,
        1,
        Array.from({ length: 2_000 }, (_, n) => message(next + n, Date.now(), 'x'.repeat(200))),
      )
    await store.close()
    const server = await serve(options)
    const reader = connect({ url: server.url, token: 'reader' })
    const began = performance.now()
    let [count, early, highest] = [0, 0, 0]
    for await (const _ of reader.messages()) {
      count += 1
      if (count === many / 5) early = residentMb(server)
      if (count % 1_000 === 0) highest = Math.max(highest, residentMb(server))
      if (count === many) break
    }
    const seconds = (performance.now() - began) / 1000
    await reader.close()
    server.kill()
    const partition = await most(options, 'max_partition_size', 'mebibytes')
    console.log(
      `a replay of ${many}: ${Math.round(many / seconds)}/s; the node holds ${early} MB after a fifth, ${highest} MB at most; largest partitions in MiB ${JSON.stringify(partition)}`,
    )
    expect(highest - early).toBeLessThan(40)
    for (const mebibytes of Object.values(partition)) expect(mebibytes).toBeLessThanOrEqual(2)
  })
})

/** What one of Cassandra's own counters says of each table of a keyspace. */
async function most(options: CassandraOptions, view: string, column = 'max'): Promise<Record<string, number>> {
  const client = await driver(options)
  const { rows } = await client.execute(`SELECT * FROM system_views.${view}`)
  await client.shutdown()
  const ours = rows.filter((row) => row['keyspace_name'] === options.keyspace && Number(row[column]) > 0)
  return Object.fromEntries(ours.map((row) => [row['table_name'], Number(row[column])]))
}
