/**
 * What one message costs on Cassandra: the mutations and the reads that the driver sends, each append checked against what
 * Cassandra says that it has written.
 * DESIGN section 11: at most 2.2 mutations per message that is sent, delivered and read, and no read for a first send.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Client as Driver } from 'cassandra-driver'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Client, connect } from '../../src/client/index.ts'
import { cassandraStore, createNode } from '../../src/index.ts'
import type { CassandraOptions } from '../../src/store/cassandra/connection.ts'
import { message, user } from '../contracts/store.ts'
import { cassandraNode, driver, named, oneNodeHere } from './here.ts'

const mutationsPerMessage = 2.2
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const lines: string[] = []

describe('on Cassandra', { ...oneNodeHere, timeout: 120_000 }, () => {
  const cassandra = cassandraNode()
  let options: CassandraOptions
  let client: Driver
  let node: ReturnType<typeof createNode>
  let url: string
  const batch = vi.spyOn(Driver.prototype, 'batch')
  const execute = vi.spyOn(Driver.prototype, 'execute')
  beforeAll(async () => {
    options = await cassandra.keyspace()
    client = await driver(options)
    node = createNode({ store: cassandraStore(options) })
    url = (await node.listen({ port: 0 })).url
  }, 60_000)
  afterAll(async () => {
    await node?.close()
    await client?.shutdown()
    console.log(lines.join('\n'))
  })

  /** A person who reads everything at once. */
  function enter(name: string): Client {
    const entered = connect({ url, token: name, device: 'phone' })
    void (async () => {
      for await (const message of entered.messages()) message.read()
    })()
    return entered
  }
  /** What the driver has sent since the last call, and how many appends Cassandra has seen: each writes one mark. */
  async function sent() {
    const batches = batch.mock.calls.map(([statements]) =>
      statements.map((statement) => Object(statement).query).join(),
    )
    const found = {
      mutations: batches.length,
      appends: batches.filter((queries) => queries.includes('INTO marks')).length,
      reads: execute.mock.calls.filter(([query]) => query.startsWith('SELECT') && !query.includes('system')).length,
      marks: await writes('marks'),
    }
    batch.mockClear()
    execute.mockClear()
    return found
  }
  async function writes(table: string): Promise<number> {
    const { rows } = await client.execute('SELECT * FROM system_views.local_write_latency')
    const ours = rows.find((row) => row['keyspace_name'] === options.keyspace && row['table_name'] === table)
    return ours?.['count'].toNumber() ?? 0
  }

  /** People signed in, and so known that neither their devices nor their actors are new. */
  async function people(prefix: string, count: number): Promise<Client[]> {
    const clients = Array.from({ length: count }, (_, n) => enter(`${prefix}${n}`))
    await expect.poll(() => clients.every((client) => client.connection.is === 'online')).toBe(true)
    await sleep(3_000)
    return clients
  }

  /** Counts while people talk and until they have left: their cursors and their last seen are the messages' cost, too. */
  async function cost(name: string, clients: readonly Client[], talk: () => Promise<number>) {
    const before = await sent()
    const messages = await talk()
    const talked = await sent()
    await Promise.all(clients.map((client) => client.close()))
    await sleep(3_000)
    const left = await sent()
    const each = (count: number) => (count / messages).toFixed(2)
    const [mutations, appends] = [talked.mutations + left.mutations, talked.appends + left.appends]
    const [all, writing] = [each(mutations), each(appends)]
    lines.push(
      `${name.padEnd(38)} ${messages} messages: ${all} mutations each (${writing} appends), ${each(talked.reads)} reads`,
    )
    expect(left.marks - before.marks).toBe(appends)
    expect(mutations / messages).toBeLessThanOrEqual(mutationsPerMessage)
    return talked.reads
  }
  const say = async (from: Client | undefined, to: string) => {
    const { id } = (await from?.send(to, 'x'.repeat(200))) ?? { id: '' }
    await from?.reached(id, 'read')
  }

  it('costs at most 2.2 mutations and no read where each comes alone', async () => {
    const pairs = 20
    const rounds = 24
    const clients = await people('single', 2 * pairs)
    const reads = await cost('one at a time, a pause after each', clients, async () => {
      for (let round = 0; round < rounds; round++) {
        await Promise.all(Array.from({ length: pairs }, (_, n) => say(clients[2 * n], `single${2 * n + 1}`)))
        await sleep(1_100)
      }
      return pairs * rounds
    })
    expect(reads).toBe(0)
  })

  it('costs less in a lively chat', async () => {
    const clients = await people('chat', 20)
    const reads = await cost('a lively chat of two, both at once', clients, async () => {
      const talk = async (n: number) => {
        for (let round = 0; round < 50; round++) {
          await clients[n]?.send(`chat${n ^ 1}`, 'x'.repeat(200))
          await sleep(150)
        }
      }
      await Promise.all(clients.map((_, n) => talk(n)))
      await sleep(1_500)
      return 20 * 50
    })
    expect(reads).toBe(0)
  })

  it('costs next to nothing in a burst to somebody who is away, and the look at their inbox is one per sign-in', async () => {
    const [sender] = await people('sender', 1)
    const all: Client[] = [sender as Client]
    const reads = await cost('1,000 at once to somebody who is away', all, async () => {
      const sent = Array.from({ length: 1_000 }, () => sender?.send('away', 'x'.repeat(200)))
      const last = (await Promise.all(sent)).at(-1)
      all.push(enter('away'))
      await sender?.reached(last?.id ?? '', 'read')
      await sleep(1_500)
      return 1_000
    })
    expect(reads).toBeLessThan(30)
  })

  it('reads nothing behind the cursor and meets no tombstones when the same person comes and goes 200 times', async () => {
    const mine = await cassandra.keyspace()
    const store = cassandraStore(mine)
    await store.open()
    const bob = user('bob')
    await store.append(
      bob,
      7,
      1,
      Array.from({ length: 1_500 }, (_, n) => message(n + 1)),
    )
    for (let visit = 0; visit < 200; visit++) {
      const record = await store.load(bob)
      const tail = 1_500 + visit
      expect(record).toMatchObject({ tail, head: 1 })
      await store.append(bob, 7, 1, [message(tail + 1)])
      expect(await store.read(bob, tail + 1, 100, 1e6, Date.now())).toHaveLength(1)
      await store.saveCursors(bob, 7, [{ device: 'phone' as never, seq: tail + 1, seenAt: Date.now() }], tail + 1)
      await store.saveLastSeen(bob, Date.now())
    }
    await store.close()
    const views = await Promise.all(
      ['rows_per_read', 'tombstones_per_read'].map(async (view) => {
        const { rows } = await client.execute(`SELECT * FROM system_views.${view}`)
        const ours = rows.filter((row) => row['keyspace_name'] === mine.keyspace && row['count'].toNumber() > 0)
        return Object.fromEntries(ours.map((row) => [row['table_name'], row['max']]))
      }),
    )
    const [rows, tombstones] = views as [Record<string, number>, Record<string, number>]
    lines.push(`200 visits: rows of a read at most ${JSON.stringify(rows)}, tombstones ${JSON.stringify(tombstones)}`)
    for (const most of Object.values(rows)) expect(most).toBeLessThanOrEqual(3)
    for (const most of Object.values(tombstones)) expect(most).toBeLessThanOrEqual(1)
  })

  it('replays 100,000 entries in pages, in the same memory', async () => {
    const many = 100_000
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
    const port = 33_000 + (process.pid % 2_000)
    const server = spawn(process.execPath, [
      'dist/src/cli/main.js',
      ...['serve', '--store', 'cassandra', '--port', String(port), '--data', '/nonexistent', ...named(options)],
    ])
    await new Promise((resolve) => server.stdout.on('data', (text) => String(text).includes('listens') && resolve(0)))
    const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024
    const reader = connect({ url: `ws://127.0.0.1:${port}`, token: 'reader' })
    const began = performance.now()
    let [count, early, most] = [0, 0, 0]
    for await (const _ of reader.messages()) {
      count += 1
      if (count === 20_000) early = resident()
      if (count % 1_000 === 0) most = Math.max(most, resident())
      if (count === many) break
    }
    const seconds = (performance.now() - began) / 1000
    await reader.close()
    server.kill('SIGKILL')
    lines.push(
      `a replay of 100,000: ${Math.round(many / seconds)}/s; the node holds ${Math.round(early)} MB after 20,000, ${Math.round(most)} MB at most`,
    )
    expect(most - early).toBeLessThan(40)
  })
})
