/**
 * What single replicas have: rows that reached one of three only, written while the others were dead, and no hints that bring them later.
 * The cluster listens on another port than Cassandra's own, which the driver must be told.
 */
import { Client, types } from 'cassandra-driver'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Entry } from '../../src/protocol/entry.ts'
import type { MessageId, UserId } from '../../src/protocol/ids.ts'
import { append } from '../../src/store/cassandra/append.ts'
import { type CassandraOptions, connectTo } from '../../src/store/cassandra/connection.ts'
import { History } from '../../src/store/cassandra/history.ts'
import { defaultRequestLimits, Places } from '../../src/store/cassandra/places.ts'
import { Remembered } from '../../src/store/cassandra/remembered.ts'
import { Requests } from '../../src/store/cassandra/requests.ts'
import { applySchema, checkSchema } from '../../src/store/cassandra/schema.ts'
import { Stamps } from '../../src/store/cassandra/stamps.ts'
import { type CassandraStore, cassandraStore } from '../../src/store/cassandra.ts'
import { completeRetention } from '../../src/store/retention.ts'
import { message, user } from '../contracts/store.ts'
import { clustersHere, keyspaceOf, startMs } from './here.ts'
import { Members } from './members.ts'
import { type CassandraNode, startCluster } from './server.mjs'

const port = 9142
const messageId = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as MessageId

describe('on three Cassandras of another port', { ...clustersHere, timeout: 300_000 }, () => {
  let cluster: Awaited<ReturnType<typeof startCluster>>
  let options: CassandraOptions
  beforeAll(async () => {
    cluster = await startCluster(3, { port, exact: true })
    options = { ...keyspaceOf(cluster), consistency: 'quorum', timeoutMs: 3_000 }
    const execute = Client.prototype.execute
    const hang = vi.spyOn(Client.prototype, 'execute').mockImplementation(function (this: Client, ...args: [string]) {
      if (/^CREATE TABLE.*\.inboxes /.test(args[0])) hangFor(4_000)
      return execute.apply(this, args as never)
    })
    await applySchema(options, 3)
    hang.mockRestore()
  }, startMs)
  afterAll(() => cluster?.stop(), 60_000)

  function hangFor(ms: number): void {
    for (const node of cluster.nodes) node.pause()
    setTimeout(() => {
      for (const node of cluster.nodes) node.resume()
    }, ms)
  }

  it('the schema was made, though they hung meanwhile for longer than a read may take', async () => {
    expect(await checkSchema({ ...options, timeoutMs: 20_000 })).toEqual([])
  })

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

  /** What decides whose the shards are. Hosts that hang, die and come back cost nobody a shard; nodes that do cost their own. */
  describe('three nodes', () => {
    let members: Members
    beforeAll(async () => {
      members = new Members(options)
      for (const name of ['a', 'b', 'c']) await members.start(name)
      await members.share('a', 'b', 'c')
    })
    afterAll(() => members?.end())

    it('share the shards evenly', () => {
      expect(Math.max(...Object.values(members.counts()))).toBeLessThanOrEqual(46)
    })

    it('keep them while a host hangs', async () => {
      const before = members.counts()
      cluster.nodes[1]?.pause()
      await new Promise((resolve) => setTimeout(resolve, 12_000))
      cluster.nodes[1]?.resume()
      await members.share('a', 'b', 'c')
      expect(members.counts()).toEqual(before)
    })

    it('take what one had that was killed', async () => {
      await members.kill('b')
      await members.share('a', 'c')
    })

    it('have their own again at once when they are back and prove that they had ended', async () => {
      const before = members.counts()
      await members.kill('c')
      await members.start('c', 'ended')
      await members.share('a', 'c')
      expect(members.counts()).toEqual(before)
    })

    it('are given what one has that leaves', async () => {
      const { c = 0 } = members.counts()
      const { member, said } = members.of('c')
      member.tell({ is: 'leave' })
      await vi.waitUntil(() => said.includes('left'), { timeout: 150_000 })
      expect(said.filter((word) => word === 'yield')).toHaveLength(c)
      await members.kill('c')
      await members.share('a')
    })
  })

  /** Rows that are written by hand, as by a life of the node that died before a quorum had them. */
  describe('a row that reached one replica', () => {
    const alice = user('alice')
    const many = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => message(from + n))
    const other = (seq: number): Entry => ({ ...message(seq), id: messageId(100 + seq), body: 'other' }) as Entry
    const bodies = async (user: UserId) =>
      (await store.read(user, 10, 9, 1e6, Date.now())).map((entry) => 'body' in entry && entry.body)
    const [bob, bert] = [user('bob'), user('bert')]
    let store: CassandraStore
    beforeAll(async () => {
      const before = cassandraStore({ ...options, timeoutMs: 20_000 })
      await before.open()
      for (const each of [bob, bert]) await before.append(each, 7, 1, many(1, 10))
      await before.close()
      const [one, two, three] = cluster.nodes as [CassandraNode, CassandraNode, CassandraNode]
      await Promise.all([one.kill(), three.kill()])
      await byHand(two, bob, 1, many(11, 12))
      await byHand(two, bert, 1, many(11, 11))
      await two.kill()
      // Only the first, which is the seed, starts by itself.
      await one.start()
      await byHand(one, bob, 2, [other(11)])
      await Promise.all([two.start(), three.start()])
      await allUp()
      // One that was there before may not have seen yet that they are back.
      store = cassandraStore({ ...options, timeoutMs: 20_000 })
      await store.open()
      await store.load(user('nobody yet'))
    }, startMs)
    afterAll(() => store?.close())

    /** What an append writes, on the one replica that is there. */
    async function byHand(
      { host }: CassandraNode,
      user: UserId,
      term: number,
      entries: readonly Entry[],
    ): Promise<void> {
      const client = new Client({
        contactPoints: [`${host}:${port}`],
        localDataCenter: cluster.localDc,
        keyspace: options.keyspace,
        protocolOptions: { port },
        socketOptions: { readTimeout: 20_000 },
        queryOptions: { consistency: types.consistencies.one },
      })
      await client.connect()
      const requests = new Requests(client, new Places(defaultRequestLimits), new Stamps(term))
      const target = { user, epoch: 7, term, retention: completeRetention('', {}), begun: new Remembered() }
      await append(requests, new History(requests), target, entries)
      await client.shutdown()
    }
    /** Each host sees all three. */
    async function allUp(): Promise<void> {
      const client = await connectTo({ ...options, consistency: 'all', timeoutMs: 20_000 }, options.keyspace)
      const isUp = () =>
        client.execute("SELECT value FROM settings WHERE name = 'version'").then(
          () => true,
          () => false,
        )
      for (let n = 0; n < 6; n++) await vi.waitUntil(isUp, { timeout: 150_000, interval: 200 })
      await client.shutdown()
    }
    /** What is asked of the one that hangs may time out, and is asked again, as the hosts of a node do. */
    async function without<T>(n: number, work: () => Promise<T>): Promise<T> {
      cluster.nodes[n]?.pause()
      try {
        return await vi.waitFor(work, { timeout: 150_000, interval: 200 })
      } finally {
        cluster.nodes[n]?.resume()
      }
    }

    it('stays as it was pushed, though a row of a life between comes to light later: the log is made sure of when it is loaded', async () => {
      expect(await without(0, () => store.load(bob, 3))).toMatchObject({ tail: 12 })
      for (let n = 0; n < 10; n++) expect(await bodies(bob)).toEqual(['m10', 'm11', 'm12'])
      expect(await store.load(bob)).toMatchObject({ tail: 12 })
      const keys = [12, 111].map((n) => ({ sender: alice, id: messageId(n) }))
      expect(await store.findRepeats(bob, keys, Date.now(), 12)).toEqual([
        expect.objectContaining({ seq: 12 }),
        undefined,
      ])
    })

    it('is not counted by what a read of some of its columns has made of it on another', async () => {
      const client = await connectTo({ ...options, timeoutMs: 20_000 }, options.keyspace)
      const query = 'SELECT seq, term, time FROM inbox_entries WHERE user = ? AND bucket = 0'
      const { rowLength } = await without(2, () => client.execute(query, [bert], { prepare: true, isIdempotent: true }))
      expect(rowLength).toBe(11)
      await client.shutdown()
      expect(await without(1, () => store.load(bert, 2))).toMatchObject({ tail: 10 })
      await without(1, () => store.append(bert, 7, 2, [other(11)]))
      expect(await bodies(bert)).toEqual(['m10', 'other'])
    })
  })
})
