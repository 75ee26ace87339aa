/** What lasts, and what does not: histories after a crash, and what is left of a message on the disk when it has vanished. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Client as Driver } from 'cassandra-driver'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { cassandraStore } from '../../src/index.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import type { CassandraOptions } from '../../src/store/cassandra/connection.ts'
import { copy, message, settings, user } from '../contracts/store.ts'
import { freePort } from '../ports.ts'
import { clustersHere, driver, newKeyspace, startMs } from './here.ts'
import { type CassandraNode, startCluster } from './server.mjs'

const [bob, alice] = [user('bob'), user('alice')]
const all = Number.MAX_SAFE_INTEGER
const timed = (seq: number, lifetime: Lifetime, body = `m${seq}`): Entry =>
  ({ ...message(seq, Date.now(), body), lifetime }) as Entry

describe('on Cassandra', clustersHere, () => {
  let cluster: Awaited<ReturnType<typeof startCluster>>
  let options: CassandraOptions
  let client: Driver
  let store: ReturnType<typeof cassandraStore>
  beforeAll(async () => {
    cluster = await startCluster(1, { patient: true, jmxPort: await freePort() })
    options = await newKeyspace(cluster, 1)
    client = await driver(options)
    store = cassandraStore(options)
    await store.open()
  }, startMs)
  afterAll(async () => {
    await store?.close()
    await client?.shutdown()
    await cluster?.stop()
  }, startMs)
  const past = async (of = store) => (await of.history(bob, alice, null, 5_000, all)).map((entry) => entry.seq)

  let term = 1

  it('puts into a history what a crash has kept from it, when the inbox is next loaded', async () => {
    await store.append(bob, 7, 1, [timed(1, 'permanent')])
    await store.append(bob, 7, 1, [message(2), timed(3, 'permanent'), timed(4, 'permanent'), message(5)])
    await client.execute('DELETE FROM history WHERE user = ? AND chat = ? AND bucket = 0 AND seq > 2', ['bob', 'alice'])
    expect(await past()).toEqual([1])
    // The rows come with the time of their entries, before that of the deletion above.
    await client.execute('TRUNCATE history')
    const next = cassandraStore(options)
    await next.open()
    term = await next.takeTerm()
    expect(await next.load(bob, term)).toMatchObject({ tail: 5 })
    expect(await past(next)).toEqual([4, 3])
    await next.close()
  })

  it('does not bring back what was erased', async () => {
    const entry = timed(6, 'permanent')
    await store.append(bob, 7, term, [entry])
    await store.erase(bob, alice, 1, all)
    await store.append(bob, 7, term, [entry])
    expect(await past()).toEqual([])
  })

  describe('where the log has another owner by now, who has taken it over', () => {
    const always = () => undefined
    let another: ReturnType<typeof cassandraStore>
    beforeAll(async () => {
      another = cassandraStore(options)
      await another.open()
    })
    afterAll(() => another?.close())
    let own = 100
    /** The former owner, which after `steps` of a call stands still until there is a next one, and goes on. */
    const former = async (who: ReturnType<typeof user>, steps: number) => {
      own += 2
      const next = another.under(own + 1, always)
      let left = Number.POSITIVE_INFINITY
      const entry = { ...timed(4, 'permanent', 'of the next'), time: Date.now() + 60_000 } as Entry
      const take = async () => {
        await next.load(who, own + 1)
        await next.append(who, 7, own + 1, [entry])
      }
      const still = async () => {
        left -= 1
        if (left === 0) await take()
        if (left <= 0) throw new Error('another node has it')
      }
      const owner = store.under(own, still)
      for (const seq of [1, 2, 3]) await owner.append(who, 7, own, [timed(seq, 'permanent')])
      left = steps
      return owner
    }
    const kept = async (who: ReturnType<typeof user>) => ({
      inbox: (await store.read(who, 1, 100, all, Date.now())).map((entry) => ('body' in entry ? entry.body : entry.is)),
      history: (await store.history(who, alice, null, 100, all)).map(({ body }) => body),
    })

    it.each([1, 2, 3, 4])('a wipe takes nothing away that came with that, at step %i', async (steps) => {
      const who = user(`wiped${steps}`)
      const owner = await former(who, steps)
      await expect(owner.wipe(who)).rejects.toThrow('another node has it')
      const { inbox, history } = await kept(who)
      expect([inbox.at(-1), history[0]]).toEqual(['of the next', 'of the next'])
    })

    it.each([1, 2])('a deletion of a chat neither, at step %i', async (steps) => {
      const who = user(`erased${steps}`)
      const owner = await former(who, steps)
      await expect(owner.erase(who, alice, 1, all)).rejects.toThrow('another node has it')
      const { inbox, history } = await kept(who)
      expect([inbox.at(-1), history[0]]).toEqual(['of the next', 'of the next'])
    })

    it('what it appends without counting is in no history', async () => {
      const who = user('late')
      const owner = await former(who, 1)
      await expect(owner.append(who, 7, own, [timed(4, 'permanent', 'of nobody')])).rejects.toThrow()
      expect(await kept(who)).toEqual({
        inbox: ['m1', 'm2', 'm3', 'of the next'],
        history: ['of the next', 'm3', 'm2', 'm1'],
      })
    })
  })

  it('notes no timer of an entry that has expired when it is copied', async () => {
    const cy = user('cy')
    await store.append(cy, 8, 1, [{ ...timed(1, 'read 1000'), time: Date.now() - 31 * 86_400_000 }])
    expect(await store.load(cy)).toMatchObject({ tail: 1, head: 2, waiting: null })
  })

  it('keeps and pages a history of many buckets, each of which has one partition', async () => {
    const [ann, many] = [user('ann'), 5_000]
    for (let seq = 1; seq <= many; seq += 500)
      await store.append(
        ann,
        8,
        1,
        Array.from({ length: 500 }, (_, n) => timed(seq + n, 'permanent')),
      )
    const seqs: number[] = []
    for (let before = null as { time: number; seq: number } | null; ; ) {
      const page = await store.history(ann, alice, before, 300, all)
      const last = page.at(-1)
      if (!last) break
      before = last
      seqs.push(...page.map((entry) => entry.seq))
    }
    expect(seqs).toEqual(Array.from({ length: many }, (_, n) => many - n))
    const { rows } = await client.execute('SELECT bucket FROM history_buckets WHERE user = ? AND chat = ?', [
      'ann',
      'alice',
    ])
    expect(rows.map((row) => row['bucket'])).toEqual([2, 1, 0])
    await store.erase(ann, alice, 1, all)
    expect(await store.history(ann, alice, null, 10, all)).toEqual([])
    expect(await store.load(ann)).toMatchObject({ head: 1, tail: many })
  })

  it('lists a chat before its first row, whatever fails, and until nothing is left of it', async () => {
    const users = Array.from({ length: 8 }, (_, n) => user(`list${n}`))
    const plain = Array.from({ length: 2_048 }, (_, n) => message(n + 2, Date.now()))
    const next = timed(2_050, 'permanent')
    for (const who of users) {
      await store.append(who, 8, 1, [timed(1, 'permanent')])
      for (let at = 0; at < plain.length; at += 500) await store.append(who, 8, 1, plain.slice(at, at + 500))
      expect(await store.histories(who)).toEqual([alice])
    }
    const [deleted, ...others] = users as [UserId, ...UserId[]]
    await store.erase(deleted, alice, 1, all)
    expect(await store.histories(deleted)).toEqual([])
    await Promise.all(others.flatMap((who) => [store.erase(who, alice, 1, 2_049), store.append(who, 8, 1, [next])]))
    for (const who of others) {
      expect(await store.history(who, alice, null, 9, all)).toMatchObject([{ seq: 2_050 }])
      expect(await store.histories(who)).toEqual([alice])
    }
    const written: string[] = []
    const cutOff = async ([first]: readonly { query: string }[]) => {
      written.push(String(/(?:INTO|FROM) (\w+)/.exec(first?.query ?? '')?.[1]))
      if (written.at(-1) === 'history_buckets') throw new Error('cut off')
    }
    const batch = vi.spyOn(Driver.prototype, 'batch').mockImplementation(cutOff as never)
    await expect(store.append(deleted, 8, 1, [next])).rejects.toThrow('cut off')
    batch.mockRestore()
    expect(written.filter((table) => /histor/.test(table))).toEqual(['user_histories', 'history_buckets'])
  })

  it('leaves nothing in any file of a message that has vanished or was deleted, nor of a user who was erased, once files are compacted', async () => {
    const [carol, dave, eve] = [user('carol'), user('dave'), user('eve')]
    const texts = {
      stays: 'the-one-that-stays',
      temporary: 'the-temporary-one',
      timed: 'the-one-with-a-timer',
      deleted: 'the-deleted-one',
      erased: 'of-the-erased-one',
    }
    for (const table of ['inbox_entries', 'history', 'preferences', 'key_links', 'inboxes', 'reads'])
      await client.execute(`ALTER TABLE ${table} WITH compression = {'enabled': false} AND gc_grace_seconds = 0`)
    await store.append(carol, 9, 1, [
      timed(1, 'permanent', texts.stays),
      timed(2, 'temporary', texts.temporary),
      timed(3, 'delivered 1000', texts.timed),
      { ...copy(4), body: texts.deleted, lifetime: 'permanent' } as Entry,
    ])
    await store.append(eve, 9, 1, [
      message(1, Date.now(), texts.erased),
      timed(2, 'permanent', texts.erased),
      {
        ...message(3, Date.now(), Buffer.from(texts.erased)),
        media: { media: texts.erased, type: 'a/b', size: 1 },
      } as Entry,
      { is: 'receipt', seq: 4, time: Date.now(), peer: user(texts.erased), epoch: 1, delivered: 1, read: 1 },
    ])
    await store.saveSettings(eve, { ...settings, tags: [{ chat: carol, tags: texts.erased }] })
    await store.saveCursors(
      eve,
      9,
      [{ device: texts.erased as never, seq: 2, seenAt: 1 }],
      2,
      new Map([[user(texts.erased), 1]]),
    )
    await store.addLink(eve, 1, Buffer.from(texts.erased))
    const node = cluster.nodes[0] as CassandraNode
    await node.tool('flush', options.keyspace)
    expect(found(node, texts)).toEqual(Object.keys(texts))
    await store.wipe(eve)
    await store.startTimers(carol, { is: 'temporary', upTo: 4 }, Date.now())
    await store.startTimers(carol, { is: 'delivered', upTo: 4 }, Date.now())
    await store.erase(carol, dave, 1, all)
    // A timer of one second, and the minute that clocks may differ.
    await new Promise((resolve) => setTimeout(resolve, 63_000))
    await node.tool('flush', options.keyspace)
    await node.tool('compact', options.keyspace)
    await node.tool('drain')
    expect(found(node, texts)).toEqual(['stays'])
  })
})

/** Those whose text is in a file of the node. Looked for again where a file has gone meanwhile: it was merged into another one. */
function found(node: CassandraNode, texts: Readonly<Record<string, string>>): string[] {
  for (;;) {
    try {
      const held = filesOf(node)
      return Object.keys(texts).filter((name) => held.some((bytes) => bytes.includes(texts[name] ?? '')))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}

const filesOf = ({ folder }: CassandraNode): Buffer[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile())
    .map((file) => readFileSync(file))
