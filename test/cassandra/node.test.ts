/** A node on a real Cassandra: the story, the kill test, the command line, and moving there from LMDB. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { types } from 'cassandra-driver'
import { beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { fileStorage } from '../../src/client/node.ts'
import { cassandraStore, createNode, lmdbStore } from '../../src/index.ts'
import type { Carrier, Entry } from '../../src/protocol/entry.ts'
import type { CassandraOptions } from '../../src/store/cassandra/connection.ts'
import { schemaVersion } from '../../src/store/cassandra/schema.ts'
import type { Store } from '../../src/store/contract.ts'
import { killTest } from '../contracts/kill.ts'
import { message, settings, user } from '../contracts/store.ts'
import { story } from '../contracts/story.ts'
import { webhooksTest } from '../contracts/webhooks.ts'
import { cassandraNode, driver, named, oneNodeHere, truncate } from './here.ts'

const main = 'dist/src/cli/main.js'
const folder = () => mkdtempSync(join(tmpdir(), 'bluetick-cassandra-'))

async function cli(...args: string[]): Promise<{ code: number; out: string }> {
  const child = spawn(process.execPath, [main, ...args])
  let out = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      out += text
    })
  const [code] = await once(child, 'close')
  return { code: code as number, out: out.trim() }
}
describe('on Cassandra', oneNodeHere, () => {
  const node = cassandraNode()
  let options: CassandraOptions
  beforeAll(async () => {
    options = await node.keyspace()
  })

  let told = ''
  story('cassandra', async (folder) => {
    if (folder !== told) {
      const client = await driver(options)
      await truncate(client)
      await client.shutdown()
      told = folder
    }
    return cassandraStore(options)
  })

  killTest('cassandra', () => ['--data', folder(), '--store', 'cassandra', ...named(options)])
  webhooksTest('cassandra', () => ['--data', folder(), '--store', 'cassandra', ...named(options)])

  describe('the command line', () => {
    it('makes the schema, says that a keyspace has it, and how one differs', async () => {
      const keyspace = `${options.keyspace}_by_hand`
      const mine = named({ ...options, keyspace })
      expect(await cli('schema', 'check', ...mine)).toMatchObject({ code: 1, out: expect.stringContaining('missing') })
      expect(await cli('schema', 'apply', '--replication', '1', ...mine)).toMatchObject({ code: 0 })
      expect(await cli('schema', 'check', ...mine)).toEqual({
        code: 0,
        out: `The keyspace ${keyspace} is as schema.cql says.`,
      })
      const client = await driver({ ...options, keyspace })
      await client.execute('ALTER TABLE inbox_entries ADD colour text')
      await client.execute('ALTER TABLE inbox_entries WITH gc_grace_seconds = 5')
      await client.execute('DROP TABLE seen')
      const { code, out } = await cli('schema', 'check', ...mine)
      expect(code).toBe(1)
      expect(out.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
        ['table', 'what', 'expected', 'found'],
        ['inbox_entries', 'gc_grace_seconds', '86400', '5'],
        ['inbox_entries', 'column colour', 'none', 'text'],
        ['seen', 'table', 'there', 'missing'],
        [`bluetick schema: The keyspace ${keyspace} differs from schema.cql in 3 places`],
      ])
      await client.execute(`DROP KEYSPACE ${keyspace}`)
      await client.shutdown()
    })

    it('brings a keyspace of an older release up to date, and leaves one of a later release alone', async () => {
      const old = await node.keyspace()
      const client = await driver(old)
      const former = cassandraStore(old)
      await former.open()
      await former.append(
        user('carl'),
        7,
        1,
        [1, 2, 3].map((seq) => message(seq)),
      )
      await former.close()
      for (const table of [
        'timers',
        'history',
        'history_buckets',
        'user_histories',
        'members',
        'lives',
        'shards',
        'key_links',
        'key_shelves',
        'media',
        'media_held',
        'media_holders',
        'media_litter',
      ])
        await client.execute(`DROP TABLE ${table}`)
      await client.execute('ALTER TABLE inbox_entries DROP (first, lifetime, kept)')
      await client.execute('ALTER TABLE preferences DROP (lifetimes, tags)')
      await client.execute('ALTER TABLE marks DROP (since, first)')
      await client.execute("UPDATE settings SET value = 2 WHERE name = 'version'")
      expect((await cli('schema', 'check', ...named(old))).out).toContain('differs from schema.cql in 20 places')
      expect((await cli('schema', 'apply', ...named(old))).out).toMatch(/ has the schema of this release\.$/)
      expect((await cli('schema', 'check', ...named(old))).code).toBe(0)
      const store = cassandraStore(old)
      await store.open()
      await store.append(user('bob'), 7, 1, [{ ...message(1), lifetime: 'permanent' } as Entry])
      expect(await store.history(user('bob'), user('alice'), null, 1, 1)).toHaveLength(1)
      const term = await store.takeTerm()
      expect(await store.load(user('carl'), term)).toMatchObject({ tail: 3 })
      await store.append(user('carl'), 7, term, [message(4)])
      expect(await store.read(user('carl'), 1, 9, 1e6, Date.now())).toHaveLength(4)
      await store.close()
      await client.execute("UPDATE settings SET value = 99 WHERE name = 'version'")
      const later = await cli('schema', 'apply', ...named(old))
      expect(later).toMatchObject({
        code: 1,
        out: expect.stringMatching(new RegExp(`version 99, and this release uses version ${schemaVersion}\\.$`)),
      })
      await client.shutdown()
    })

    it('lists the histories that an older release has begun, from where it was cut off, and again what came since', async () => {
      const old = await node.keyspace()
      const client = await driver(old)
      const store = cassandraStore(old)
      await store.open()
      const chats = Array.from({ length: 1_100 }, (_, n) => user(`chat ${n}`))
      const from = (chat: string, seq: number) => ({ ...message(seq), from: chat, lifetime: 'permanent' }) as Carrier
      await store.keep(
        user('dora'),
        chats.map((chat, n) => from(chat, n + 1)),
      )
      const listed = async () => (await client.execute("SELECT chat FROM user_histories WHERE user = 'dora'")).rowLength
      expect(await listed()).toBe(1_100)
      await client.execute('DROP TABLE user_histories')
      await client.execute("UPDATE settings SET value = 9 WHERE name = 'version'")
      const apply = async () => (await cli('schema', 'apply', ...named(old))).out
      expect(await apply()).toContain(`has lists of 1100 histories by user.\n`)
      expect([...(await store.histories(user('dora')))].sort()).toEqual([...chats].sort())
      // What a node deletes stays so, though the command has read before that it is there.
      const ofNodes = types.Long.ONE.shiftLeft(52)
      const deletion = "DELETE FROM user_histories USING TIMESTAMP ? WHERE user = 'dora' AND chat = 'chat 7'"
      await client.execute(deletion, [ofNodes])
      const { rows } = await client.execute('SELECT DISTINCT user, chat, token(user, chat) AS at FROM history_buckets')
      const [term] = (await client.execute("SELECT value FROM settings WHERE name = 'term'")).rows
      const stamp = ofNodes.add(term?.['value'].shiftLeft(36)).add(1_000_000)
      const place = [rows[699]?.['at'], stamp]
      await client.execute("INSERT INTO settings (name, value) VALUES ('listed', ?) USING TIMESTAMP ?", place)
      expect(await apply()).toContain('has lists of 400 histories by user.\n')
      await client.execute("INSERT INTO history_buckets (user, chat, bucket) VALUES ('dora', 'of an older node', 0)")
      expect(await apply()).toContain('has lists of 1101 histories by user.\n')
      expect(await store.histories(user('dora'))).toContain('of an older node')
      expect(await listed()).toBe(1_100)
      await store.close()
      const next = cassandraStore(old)
      await next.open()
      await next.keep(user('dora'), [from('chat 7', 9)])
      expect(await listed()).toBe(1_101)
      await next.wipe(user('dora'))
      expect(await listed()).toBe(0)
      await next.close()
      await client.shutdown()
    })

    it('serves no keyspace without the schema or with another one, and says so in one sentence', async () => {
      const serve = (...args: string[]) =>
        cli('serve', '--port', '0', '--data', folder(), '--store', 'cassandra', ...args)
      const none = await serve(...named({ ...options, keyspace: 'nothing_here' }))
      expect(none).toMatchObject({
        code: 1,
        out: expect.stringMatching(
          /^bluetick serve: The keyspace nothing_here .* make it with: bluetick schema apply\.$/,
        ),
      })
      const other = await node.keyspace()
      const client = await driver(other)
      await client.execute("UPDATE settings SET value = 99 WHERE name = 'version'")
      expect((await serve(...named(other))).out).toMatch(
        new RegExp(`has the schema of version 99, and this release uses version ${schemaVersion}\\.$`),
      )
      // Of the next release, which has only added to it: nodes of both run together while they are upgraded one by one.
      await client.execute(`UPDATE settings SET value = ${schemaVersion + 1} WHERE name = 'version'`)
      const before = cassandraStore(other)
      await before.open()
      await before.append(user('bob'), 7, 1, [message(1)])
      await before.close()
      await client.execute("UPDATE settings SET value = 0 WHERE name = 'version'")
      expect((await serve(...named(other))).out).toMatch(
        /of version 0, .*; bring it up to date with: bluetick schema apply\.$/,
      )
      await client.shutdown()
    })

    it('says in one sentence why a cluster cannot be reached', async () => {
      const away = { ...options, contactPoints: ['127.0.0.1:1'] }
      const { code, out } = await cli('serve', '--store', 'cassandra', '--data', folder(), ...named(away))
      expect(code).toBe(1)
      expect(out).toBe(
        'bluetick serve: No host of datacenter datacenter1 answered within 1 s: 127.0.0.1:1 refused the connection.',
      )
      const { out: elsewhere } = await cli(
        ...['serve', '--store', 'cassandra', '--data', folder()],
        ...named({ ...options, localDc: 'dc7' }),
      )
      expect(elsewhere).toMatch(/^bluetick serve: The cluster at .* has no datacenter dc7, only datacenter1\.$/)
    })
  })

  it('goes on with what an embedded store had: clients resume where they were', async () => {
    const place = folder()
    const data = join(place, 'data')
    const enter = (url: string, name: string) =>
      connect({ url, token: name, device: 'phone', storage: fileStorage(join(place, name)) })
    const before = createNode({ store: lmdbStore(data) })
    const old = await before.listen({ port: 0 })
    const alice = enter(old.url, 'ada')
    const bob = enter(old.url, 'bo')
    await alice.send('bo', 'one')
    for await (const message of bob.messages()) {
      message.read()
      // The loop has asked for the next one by then: this one counts as handled.
      setTimeout(() => bob.close(), 300)
    }
    await alice.send('bo', 'two')
    await alice.close()
    await before.close()
    const store = lmdbStore(data)
    await store.open()
    await store.append(user('expired'), 9, 1, [message(1, Date.now() - 31 * 86_400_000)])
    await store.saveSettings(user('bo'), settings)
    await store.addLink(user('bo'), 1, Uint8Array.of(1))
    await store.saveShelf(user('bo'), 'ab', { version: 1, shelf: Uint8Array.of(2), once: Uint8Array.of(3) })
    const many = Array.from({ length: 5_000 }, (_, n) => message(n + 1))
    await store.append(user('many'), 8, 1, many)
    const [records, lastSeen] = [await recordsOf(store), await store.lastSeen(user('bo'))]
    await store.close()

    expect(await cli('copy', '--data', data, ...named(options))).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^Copied 4 users and 500\d entries from /),
    })
    const copied = cassandraStore(options)
    await copied.open()
    expect(await recordsOf(copied)).toEqual(
      records.map((record) => record && { ...record, lives: [], ...(record.epoch === 9 && { head: 2 }) }),
    )
    expect(await copied.lastSeen(user('bo'))).toBe(lastSeen)
    expect(await copied.settings(user('bo'))).toEqual(settings)
    expect(await copied.links(user('bo'), 1)).toEqual([Uint8Array.of(1)])
    expect(await copied.shelf(user('bo'), 'ab')).toMatchObject({ version: 1, once: Uint8Array.of(3) })
    expect(await copied.read(user('many'), 4_000, 2_000, 1e9, Date.now())).toEqual(many.slice(3_999))
    await copied.close()

    const after = createNode({ store: cassandraStore(options) })
    const { url } = await after.listen({ port: 0 })
    const again = enter(url, 'bo')
    const bodies: unknown[] = []
    for await (const message of again.messages()) {
      bodies.push(message.body)
      break
    }
    expect(bodies).toEqual(['two'])
    await again.close()
    await after.close()
  })

  it('goes on with the histories, the timers and the bans that an embedded store had', async () => {
    const data = folder()
    const [bob, alice] = [user('timed'), user('alice')]
    const now = Date.now()
    const lifetimes = [
      'permanent',
      'permanent',
      'temporary',
      'delivered 3600000',
      'read 5000',
      'temporary',
      'permanent',
    ]
    const entries = lifetimes.map(
      (lifetime, n) => ({ ...message(n + 1, n === 0 ? now - 40 * 86_400_000 : now), lifetime }) as Entry,
    )
    const seen = async (store: Store) => ({
      record: await store.load(bob),
      entries: await store.read(bob, 1, 100, 1e6, now),
      vanished: (await store.read(bob, 1, 100, 1e6, now + 3_600_000)).filter(({ is }) => is === 'gone').length,
      history: await store.history(bob, alice, null, 100, 1e6),
      banned: (await store.bans()).filter((banned) => banned === 'mallory'),
    })
    const from = lmdbStore(data)
    await from.open()
    await from.append(bob, 7, 1, entries)
    await from.saveBan(user('mallory'), true)
    await from.startTimers(bob, { is: 'temporary', upTo: 3 }, now)
    await from.startTimers(bob, { is: 'delivered', upTo: 4 }, now)
    while ((await from.expire(now)).entries > 0);
    const before = await seen(from)
    await from.close()
    expect(before).toMatchObject({ record: { head: 2, waiting: { temporary: 6, delivered: 0, read: 5 } }, vanished: 2 })
    expect(before.banned).toEqual(['mallory'])
    expect(before.history.map(({ seq }) => seq)).toEqual([7, 2, 1])

    for (let times = 0; times < 2; times++)
      expect(await cli('copy', '--data', data, ...named(options))).toMatchObject({ code: 0 })
    const to = cassandraStore(options)
    await to.open()
    expect(await seen(to)).toEqual({ ...before, record: { ...before.record, lives: [] } })
    expect(await to.startTimers(bob, { is: 'read', chat: alice, upTo: 5 }, now)).toBe(0)
    await to.close()
  })
})

const recordsOf = (store: Pick<ReturnType<typeof lmdbStore>, 'load'>) =>
  Promise.all(['ada', 'bo', 'expired', 'many'].map((name) => store.load(user(name))))
