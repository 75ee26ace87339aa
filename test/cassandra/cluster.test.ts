/** Three nodes, each a process, on one Cassandra: one is killed, comes back, and one is drained, under load. What the clients were told is the oracle. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Client, connect } from '../../src/client/index.ts'
import { cassandraStore, createNode } from '../../src/index.ts'
import type { CassandraOptions } from '../../src/store/cassandra/connection.ts'
import { cassandraNode, oneNodeHere, startMs } from './here.ts'
import { type Served, serve } from './serve.ts'

const main = 'dist/src/cli/main.js'
const people = 24

describe('a cluster on Cassandra', oneNodeHere, () => {
  const cassandra = cassandraNode()
  const folders = new Map(['n1', 'n2', 'n3'].map((name) => [name, mkdtempSync(join(tmpdir(), `bluetick-${name}-`))]))
  const nodes = new Map<string, Served>()
  let options: CassandraOptions
  const start = async (name: string) => {
    const data = folders.get(name) as string
    nodes.set(name, await serve(options, '--data', data, '--node-name', name))
  }
  beforeAll(async () => {
    options = await cassandra.keyspace()
    for (const name of folders.keys()) await start(name)
  }, startMs)
  afterAll(() => {
    for (const node of nodes.values()) node.kill()
  })
  const status = () => {
    const { url } = nodes.get('n1') as Served
    const args = [main, 'cluster', 'status', '--url', url, '--data', folders.get('n1') as string]
    return execFileSync(process.execPath, args, { encoding: 'utf8' })
  }
  const shards = () =>
    [...status().matchAll(/^(n\d) +(?:up|leaving) +(\d+)/gm)].map(([, name, count]) => `${name} ${count}`)
  const isShared = (...names: string[]) => {
    const found = shards()
    return (
      found.length === names.length &&
      names.every((name) => found.some((row) => row.startsWith(name) && !row.endsWith(' 0')))
    )
  }

  it('loses nothing of what it has taken, and keeps the order, while a node is killed, comes back, and another is drained', async () => {
    await expect.poll(() => isShared('n1', 'n2', 'n3'), { interval: 1_000 }).toBe(true)
    const { url } = nodes.get('n1') as Served
    const clients = Array.from({ length: people }, (_, n) => connect({ url, token: `user${n}` }))
    const got = clients.map(listen)
    const sent: string[][] = clients.map(() => [])
    const gaps = clients.map(() => 0)
    let over = false
    const sends = clients.map(async (client, n) => {
      for (let count = 0; !over; count++) {
        const [to, began] = [(n + 1) % people, performance.now()]
        await client.send(`user${to}`, `${count}`)
        sent[to]?.push(`${count}`)
        gaps[n] = Math.max(gaps[n] as number, performance.now() - began)
      }
    })
    const longest = () => {
      const ms = Math.round(Math.max(...gaps))
      gaps.fill(0)
      return ms
    }
    const rising = async () => {
      const before = sent.map(({ length }) => length)
      await expect.poll(() => sent.every(({ length }, n) => length > (before[n] as number) + 2)).toBe(true)
    }
    await rising()
    const quiet = longest()
    nodes.get('n3')?.kill()
    await expect.poll(() => isShared('n1', 'n2'), { interval: 1_000 }).toBe(true)
    await rising()
    const killed = longest()
    await start('n3')
    await expect.poll(() => isShared('n1', 'n2', 'n3'), { interval: 1_000 }).toBe(true)
    await rising()
    const back = longest()
    nodes.get('n2')?.kill('SIGTERM')
    expect(await nodes.get('n2')?.ended).toBe(0)
    await rising()
    const drained = longest()
    over = true
    await Promise.all(sends)
    console.log('longest send in ms: at rest', quiet, '· n3 killed', killed, '· n3 back', back, '· n2 drained', drained)
    await expect.poll(() => got.map(({ length }) => length)).toEqual(sent.map(({ length }) => length))
    expect(got).toEqual(sent)
    expect(isShared('n1', 'n3')).toBe(true)
    for (const client of clients) client.close()
  }, 500_000)

  it('has its keyspace for itself: a node that is in no cluster, and another one of a name that runs, are told so', async () => {
    const alone = createNode({ store: cassandraStore(options) })
    await expect(alone.listen({ port: 0 })).rejects.toThrow(/^This keyspace is that of a cluster, of n/)
    const second = createNode({ store: cassandraStore(options), cluster: { name: 'n1' } })
    await expect(second.listen({ port: 0 })).rejects.toThrow(/^A node named n1 runs already, at 127\.0\.0\.1:\d+: give/)
  })
})

function listen(client: Client): string[] {
  const got: string[] = []
  void (async () => {
    for await (const { body } of client.messages()) got.push(String(body))
  })().catch(() => {})
  return got
}
