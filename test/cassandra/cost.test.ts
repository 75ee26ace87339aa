/**
 * What one message costs on Cassandra: the mutations and the reads that the driver sends, each append checked against what
 * Cassandra says that it has written.
 * At most 1.7 mutations per message that is sent, delivered and read (DESIGN section 11 allows 2.2), and no read for a first send. A chat with
 * a lifetime of its own costs more, and has a budget of its own.
 */
import { Client as Driver } from 'cassandra-driver'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Client, connect } from '../../src/client/index.ts'
import { cassandraStore, createNode } from '../../src/index.ts'
import type { CassandraOptions } from '../../src/store/cassandra/connection.ts'
import { cassandraNode, driver, isWhole, oneNodeHere } from './here.ts'

const mutationsPerMessage = 1.7
/**
 * Chats with a lifetime of their own, where each message comes alone. Permanent: each side's entry has a row in its history, and
 * the sender a copy also with one device. A timer: what waits is looked up, and written again.
 */
const lasting = [
  { lifetime: 'permanent', mutations: 5.5, reads: 0, until: 'read' },
  { lifetime: 'temporary', mutations: 3.5, reads: 2, until: 'delivered' },
  { lifetime: 'delivered 1000', mutations: 3.5, reads: 2, until: 'delivered' },
  { lifetime: 'read 1000', mutations: 3.5, reads: 2, until: 'read' },
] as const
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const lines: string[] = []

describe('on Cassandra', oneNodeHere, () => {
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
  })
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
      // Once a minute for each person who is online, whatever they write.
      seen: batches.filter((queries) => queries.includes('INTO seen')).length,
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
  async function cost(
    name: string,
    clients: readonly Client[],
    talk: () => Promise<number>,
    budget = mutationsPerMessage,
  ) {
    const before = await sent()
    const messages = await talk()
    const talked = await sent()
    await Promise.all(clients.map((client) => client.close()))
    await sleep(3_000)
    const left = await sent()
    const each = (count: number) => (count / messages).toFixed(2)
    const mutations = talked.mutations - talked.seen + left.mutations
    const appends = talked.appends + left.appends
    const [all, writing] = [each(mutations), each(appends)]
    lines.push(
      `${name.padEnd(38)} ${messages} messages: ${all} mutations each (${writing} appends), ${each(talked.reads)} reads`,
    )
    expect(left.marks - before.marks).toBe(appends)
    expect(mutations / messages).toBeLessThanOrEqual(budget)
    return talked.reads
  }
  const say = async (from: Client | undefined, to: string, until: 'delivered' | 'read' = 'read') => {
    const { id } = (await from?.send(to, 'x'.repeat(200))) ?? { id: '' }
    await from?.reached(id, until)
  }

  it('costs at most 1.7 mutations and no read where each comes alone', async () => {
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

  // Timers are alike; a permanent chat is not.
  it.each(isWhole ? lasting : lasting.slice(0, 2))(
    'has a budget of its own in a chat that is $lifetime',
    async ({ lifetime, mutations, reads, until }) => {
      const [pairs, rounds] = [10, 12]
      const name = lifetime.replace(' ', '')
      const clients = await people(name, 2 * pairs)
      const each = (work: (client: Client | undefined, peer: string) => Promise<unknown>) =>
        Promise.all(Array.from({ length: pairs }, (_, n) => work(clients[2 * n], `${name}${2 * n + 1}`)))
      await each((client, peer) => client?.setLifetime(peer, lifetime) ?? Promise.resolve())
      await sleep(3_000)
      const talk = async () => {
        for (let round = 0; round < rounds; round++) {
          await each((client, peer) => say(client, peer, until))
          await sleep(1_100)
        }
        return pairs * rounds
      }
      const read = await cost(`one at a time, ${lifetime}`, clients, talk, mutations)
      expect(read / (pairs * rounds)).toBeLessThanOrEqual(reads)
    },
  )
})
