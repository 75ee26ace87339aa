/** Whoever has the files of a Cassandra: of messages that are sealed there is no text, no picture and no private key in them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { filesOf, inspected, Server, story, within } from '../e2e/compromise.ts'
import { freePort } from '../ports.ts'
import { clustersHere, driver, isWhole, named, newKeyspace, startMs } from './here.ts'
import { oneNode, type Running, startCluster } from './server.mjs'

describe('a Cassandra whose files are read', clustersHere, () => {
  let running: Running
  beforeAll(async () => {
    // One that somebody else runs keeps its files to itself.
    const shared = await oneNode()
    running = shared.folder ? shared : await startCluster(1, { patient: true })
  }, startMs)
  afterAll(() => running?.stop(), startMs)

  it.runIf(isWhole)(
    'has nothing of what was sealed, in its tables and its commit log, and all that was not',
    async () => {
      const options = await newKeyspace(running, 1)
      const client = await driver(options)
      // So that what is flushed stands in its files as it is.
      for (const table of ['inbox_entries', 'history', 'key_links', 'key_shelves'])
        await client.execute(
          `ALTER TABLE ${table} WITH compression = {'enabled': false} AND memtable_flush_period_in_ms = 1000`,
        )
      const data = mkdtempSync(join(tmpdir(), 'bluetick-compromised-'))
      onTestFinished(() => rmSync(data, { recursive: true, force: true }))
      const port = await freePort()
      const server = await Server.start([
        '--store',
        'cassandra',
        '--port',
        `${port}`,
        '--data',
        data,
        ...named(options),
      ])
      onTestFinished(() => server.kill())
      const found = await story(server, `ws://127.0.0.1:${port}`)
      const [text, picture] = found.shown
      const told = inspected(data, port, found.ids)
      await server.kill()
      const tables = join(running.folder ?? '', 'data', options.keyspace)
      await expect.poll(() => within(filesOf(tables), found)).toEqual([text])
      const log = within(filesOf(join(running.folder ?? '', 'commitlog')), found)
      expect(new Set([...log, ...within(filesOf(data), found)])).toEqual(new Set([text, picture]))
      expect(within([server.printed, told], found)).toEqual([])
      await client.execute(`DROP KEYSPACE ${options.keyspace}`)
      await client.shutdown()
    },
    startMs,
  )
})
