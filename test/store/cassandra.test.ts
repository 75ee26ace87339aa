import { mkdtempSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, type Client as Driver } from 'cassandra-driver'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { cassandraStore, createNode, folderBucket, sharedMedia } from '../../src/index.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { MessageId } from '../../src/protocol/ids.ts'
import type { CassandraOptions } from '../../src/store/cassandra/connection.ts'
import { cassandraNode, driver, oneNodeHere, truncate } from '../cassandra/here.ts'
import { clusterContract } from '../contracts/cluster.ts'
import { keyContract } from '../contracts/keys.ts'
import { lastingContract } from '../contracts/lasting.ts'
import { mediaContract } from '../contracts/media.ts'
import { peopleContract } from '../contracts/people.ts'
import { message, storeContract, user } from '../contracts/store.ts'

describe('Cassandra', oneNodeHere, () => {
  const cassandra = cassandraNode()
  let options: CassandraOptions
  let client: Driver
  beforeAll(async () => {
    options = await cassandra.keyspace()
    client = await driver(options)
  })
  afterAll(() => client?.shutdown())

  for (const contract of [storeContract, lastingContract, keyContract, peopleContract])
    contract(
      'cassandra',
      async () => {
        await truncate(client)
        return cassandraStore(options)
      },
      { reopen: () => cassandraStore(options), expires: 'by itself' },
    )

  describe('media that nodes share', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bluetick-media-'))
    const store = {
      get media() {
        return open.media
      },
    }
    let open: ReturnType<typeof cassandraStore>
    let runs = 0
    beforeEach(async () => {
      runs += 1
      for (const table of ['media', 'media_held', 'media_holders', 'media_litter'])
        await client.execute(`TRUNCATE ${table}`)
      open = cassandraStore(options)
      await open.open()
    })
    afterEach(() => open.close())
    const at = (name: string) => join(folder, `${runs}`, name)
    const make = () => sharedMedia({ store, bucket: folderBucket(at('bucket')), spool: at('spool') })
    const stored = async () => {
      const all = await readdir(at(''), { recursive: true, withFileTypes: true })
      return all.filter((entry) => entry.isFile() && !['LOCK', '.bluetick-media'].includes(entry.name)).length
    }
    mediaContract('records in Cassandra', make, make, stored)
  })

  describe('a cluster', () => {
    let store: ReturnType<typeof cassandraStore> | undefined
    afterEach(async () => {
      await store?.close()
      store = undefined
    })
    clusterContract('cassandra', async () => {
      await truncate(client)
      await client.execute("DELETE FROM settings WHERE name = 'shards'")
      store = cassandraStore(options)
      await store.open()
      return store.cluster
    })
  })

  /** Made visible by hand after a new term began. */
  describe('a late write of a former term', () => {
    const bob = user('bob')
    let store: ReturnType<typeof cassandraStore>
    beforeEach(async () => {
      await truncate(client)
      store = cassandraStore(options)
      await store.open()
    })
    afterEach(() => store.close())

    const many = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => message(from + n))
    const late = (n: number): Entry => ({ ...message(n), id: id(n) }) as Entry
    const id = (n: number) => `ffffffff-0000-7000-8000-${String(n).padStart(12, '0')}` as MessageId
    const bodies = async (from: number) =>
      (await store.read(bob, from, 10, 1e6, Date.now())).map(
        (entry) => entry.is === 'message' && `${entry.seq} ${entry.id[0]}`,
      )
    const isKnown = async (n: number) =>
      (await store.findRepeats(bob, [{ sender: user('alice'), id: id(n) }], Date.now(), n))[0]

    it('is not read, does not move the tail, and is no repeat', async () => {
      await store.append(bob, 7, 1, many(1, 10))
      await store.append(bob, 7, 2, [message(11)])
      await store.append(bob, 7, 1, [late(11), late(12), late(13)])
      expect(await store.load(bob)).toMatchObject({ tail: 11 })
      expect(await bodies(10)).toEqual(['10 0', '11 0'])
      expect(await bodies(12)).toEqual([])
      expect(await isKnown(12)).toBeUndefined()
      expect(await store.trace(id(13))).toEqual([])
      await store.append(bob, 7, 2, [message(12)])
      expect(await bodies(10)).toEqual(['10 0', '11 0', '12 0'])
      expect(await store.load(bob)).toMatchObject({ tail: 12 })
      expect(await isKnown(11)).toBeUndefined()
    })

    it('is dead also where it begins the next bucket', async () => {
      await store.append(bob, 7, 1, many(1, 2_047))
      await store.append(bob, 7, 2, [message(2_048)])
      await store.append(bob, 7, 1, [late(2_048), late(2_049), late(2_050)])
      expect(await store.load(bob)).toMatchObject({ tail: 2_048 })
      expect(await bodies(2_047)).toEqual(['2047 0', '2048 0'])
      expect(await bodies(2_049)).toEqual([])
      expect(await isKnown(2_049)).toBeUndefined()
      await store.append(bob, 7, 2, [message(2_049)])
      expect(await bodies(2_048)).toEqual(['2048 0', '2049 0'])
      expect(await store.load(bob)).toMatchObject({ tail: 2_049 })
    })

    it('counts where the new term has written nothing: it was in time', async () => {
      await store.append(bob, 7, 1, many(1, 10))
      await store.append(bob, 7, 1, [late(11)])
      expect(await store.load(bob)).toMatchObject({ tail: 11 })
      expect(await isKnown(11)).toMatchObject({ seq: 11 })
    })

    it('is overruled by a node that has begun already: what it carried is accepted anew, and comes once', async () => {
      const former = await store.takeTerm()
      await store.append(bob, 7, former, [message(1)])
      const node = createNode({ store: cassandraStore(options) })
      const { url } = await node.listen({ port: 0 })
      const received: unknown[] = []
      const phone = connect({ url, token: 'bob' })
      const laptop = connect({ url, token: 'bob', device: 'laptop' })
      for (const device of [phone, laptop])
        void (async () => {
          for await (const { body } of device.messages()) if (device === phone) received.push(body)
        })()
      await expect.poll(() => received).toEqual(['m1'])

      await store.append(bob, 7, former, [late(2), late(3)])
      const at = await node.send({ from: 'alice', to: 'bob', body: 'again', id: id(3) })
      expect(at.seq).toBe(2)
      expect((await node.send({ from: 'alice', to: 'bob', body: 'again', id: id(3) })).seq).toBe(2)
      await node.send({ from: 'alice', to: 'bob', body: 'next' })
      await expect.poll(() => received).toEqual(['m1', 'again', 'next'])
      await phone.close()
      await laptop.close()
      await node.close()

      expect(await store.load(bob)).toMatchObject({ tail: 3 })
      expect((await store.read(bob, 1, 10, 1e6, Date.now())).map((entry) => 'body' in entry && entry.body)).toEqual([
        'm1',
        'again',
        'next',
      ])
    })

    it('stays dead when what killed it has expired, also where that is sooner: its writer’s clock was ahead', async () => {
      await store.append(bob, 7, 1, many(1, 10))
      await store.append(bob, 7, 1, [late(11)])
      await store.append(bob, 7, 2, [message(11), message(12)])
      await expired('seq <= 10')
      await expired('seq = 11 AND term = 2')
      await store.close()
      store = cassandraStore(options)
      await store.open()
      expect(await bodies(10)).toEqual(['12 0'])
    })
  })

  describe('a log that is read', () => {
    const bob = user('bob')
    let store: ReturnType<typeof cassandraStore>
    beforeEach(async () => {
      await truncate(client)
      store = cassandraStore(options)
      await store.open()
    })
    afterEach(() => store.close())
    const read = async (from: number) => (await store.read(bob, from, 10, 1e6, Date.now())).map(({ seq }) => seq)

    it('ends a page before an entry that is missing, and is not read on behind it, also where a bucket ends', async () => {
      const many = Array.from({ length: 2_050 }, (_, n) => message(n + 1))
      await store.append(bob, 7, 1, many)
      await expired('seq IN (3, 4)')
      await expired('seq = 2048')
      expect(await read(1)).toEqual([1, 2])
      const lost = {
        code: 'corrupt',
        message: expect.stringMatching(/^Entry 3 of the log of bob is missing .*nodetool repair/),
      }
      await expect(store.read(bob, 3, 10, 1e6, Date.now())).rejects.toMatchObject(lost)
      expect(await read(2_046)).toEqual([2_046, 2_047])
      await expect(store.read(bob, 2_048, 10, 1e6, Date.now())).rejects.toMatchObject({ code: 'corrupt' })
    })

    it('gives out an entry that was appended while a reader was at the end, and misses none', async () => {
      await store.append(bob, 7, 1, [message(1), message(2)])
      const execute = Client.prototype.execute as (...of: unknown[]) => Promise<unknown>
      const between = vi.spyOn(Client.prototype, 'execute')
      between.mockImplementation(async function (this: Driver, ...of: unknown[]) {
        // The reader has found nothing behind the end, and looks where that is.
        if (between.mock.calls.filter(([query]) => query.includes('FROM inboxes')).length === 1)
          await store.append(bob, 7, 1, [message(3)])
        return execute.apply(this, of)
      } as never)
      expect(await read(3)).toEqual([3])
      between.mockRestore()
    })

    it('is left alone by an owner whose term is not the highest, and the next term is above all', async () => {
      const term = await store.takeTerm()
      await store.append(bob, 7, term + 5, [message(1)])
      await expect(store.load(bob, term)).rejects.toThrow(/^The inbox of bob was written in term \d+, after ours/)
      const next = await store.takeTerm()
      expect(next).toBe(term + 6)
      expect(await store.load(bob, next)).toMatchObject({ tail: 1 })
    })
  })

  /** What a TTL does. */
  const expired = (which: string) =>
    client.execute(
      `DELETE FROM inbox_entries USING TIMESTAMP 9000000000000000000 WHERE user = 'bob' AND bucket = 0 AND ${which}`,
    )
})
