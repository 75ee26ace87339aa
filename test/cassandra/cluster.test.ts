/**
 * Three nodes, each a process, on one Cassandra, behind HAProxy, under load: they are killed, held up, cut off and drained. What the clients
 * were told is the oracle. `npm run test:cluster` does all of it; other runs do what takes tens of seconds.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cassandraStore, createNode } from '../../src/index.ts'
import type { CassandraOptions } from '../../src/store/cassandra/connection.ts'
import { haproxy, needsHaproxy, stopProxies } from '../gateway/proxy.ts'
import { freePort } from '../ports.ts'
import { cassandraNode, oneNodeHere, startMs } from './here.ts'
import { People } from './people.ts'
import { type Served, serve } from './serve.ts'
import { Wire } from './wire.ts'

const main = 'dist/src/cli/main.js'
const names = ['n1', 'n2', 'n3'] as const
type Name = (typeof names)[number]
type Place = {
  readonly data: string
  readonly port: number
  readonly link: number
  readonly store: Wire
  readonly links: Wire
}

describe('a cluster on Cassandra', oneNodeHere, () => {
  const cassandra = cassandraNode()
  const places = new Map<Name, Place>()
  const nodes = new Map<Name, Served>()
  let options: CassandraOptions
  let url: string
  const place = (name: Name) => places.get(name) as Place
  const node = (name: Name) => nodes.get(name) as Served
  const start = async (name: Name) => {
    const { data, port, link, store, links } = place(name)
    const own = ['--node-name', name, '--data', data, '--trusted-proxies', '127.0.0.1']
    const linked = ['--link-port', `${link}`, '--link-address', links.address]
    const through = { ...options, contactPoints: [store.address] }
    nodes.set(name, await serve(through, ...own, ...linked, '--port', `${port}`))
  }
  beforeAll(async () => {
    options = await cassandra.keyspace()
    const [host = '', port = '9042'] = (options.contactPoints[0] as string).split(':')
    let config = readFileSync('docs/deploy/haproxy.cfg', 'utf8').replace('bind :8080', 'bind BIND')
    for (const name of names) {
      const data = mkdtempSync(join(tmpdir(), `bluetick-${name}-`))
      const [own, link] = [await freePort(), await freePort()]
      const [store, links] = [await Wire.lay(), await Wire.lay()]
      store.lead(host, Number(port))
      links.lead('127.0.0.1', link)
      places.set(name, { data, port: own, link, store, links })
      config = config.replace(new RegExp(`server ${name} .*`), `server ${name} 127.0.0.1:${own}`)
      await start(name)
    }
    url = `ws://127.0.0.1:${await haproxy(config)}`
  }, startMs)
  afterAll(() => {
    stopProxies()
    for (const node of nodes.values()) node.kill()
  })

  let known = ''
  /** As one of them knows it: for each node how many shards it has, and whether it is reached. */
  const status = (from: Name) => {
    const { data, port } = place(from)
    const args = [main, 'cluster', 'status', '--url', `ws://127.0.0.1:${port}`, '--data', data]
    known = execFileSync(process.execPath, args, { encoding: 'utf8' })
    const rows = known.matchAll(/^(n\d) +(?:up|leaving) +(\d+) +\S+ +(yes|no)/gm)
    return [...rows].map(([, name, count, isReached]) => ({
      name,
      shards: Number(count),
      isReached: isReached === 'yes',
    }))
  }
  const lastWords = () =>
    names.map((name) => `${name} of process ${node(name).pid}: ${node(name).said().slice(-1_500)}`)
  const waitFor = async (isSo: () => boolean) => {
    const waited = expect.poll(isSo, { timeout: 240_000, interval: 1_000 }).toBe(true)
    await waited.catch((cause) => {
      throw new Error([known, ...lastWords()].join('\n'), { cause })
    })
  }
  const share = (...of: Name[]) =>
    waitFor(() => {
      const known = status(of[0] as Name)
      return (
        known
          .map(({ name }) => name)
          .sort()
          .join() === [...of].sort().join() && known.every(({ shards }) => shards > 0)
      )
    })

  const killed = async (people: People) => {
    node('n3').kill()
    await share('n1', 'n2')
    await people.mark('n3 is killed', 25_000)
    await start('n3')
    await share(...names)
    await people.mark('n3 is started again', 5_000)
  }
  const unlinked = async (people: People) => {
    for (const name of names) place(name).links.cut()
    await waitFor(() => status('n1').filter(({ isReached }) => isReached).length === 1)
    for (const name of names) place(name).links.mend()
    await waitFor(() => status('n1').every(({ isReached }) => isReached))
    await people.mark('no node reaches another for a while', 20_000)
  }
  /** It is taken for dead, and ends when it learns so. */
  const lost = async (people: People, what: string, begin: () => void, end: () => void) => {
    begin()
    await share('n1', 'n3')
    await people.mark(what, 25_000)
    end()
    expect({ code: await node('n2').ended, said: node('n2').said() }).toMatchObject({ code: 75 })
    await start('n2')
    await share(...names)
    await people.mark('n2 is started again', 5_000)
  }
  const heldUp = (people: People) =>
    lost(
      people,
      'n2 hangs',
      () => node('n2').kill('SIGSTOP'),
      () => node('n2').kill('SIGCONT'),
    )
  const cutOff = (people: People) =>
    lost(
      people,
      'n2 does not reach Cassandra',
      () => place('n2').store.cut(),
      () => place('n2').store.mend(),
    )
  const drained = async (people: People) => {
    node('n1').kill('SIGTERM')
    expect(await node('n1').ended).toBe(0)
    await people.mark('n1 is drained', 2_500)
    await share('n2', 'n3')
  }
  const all = { killed, unlinked, heldUp, cutOff, drained }
  const asked = process.env['CLUSTER_TESTS'] ?? 'killed,unlinked,drained'
  const events = asked === 'all' ? Object.values(all) : asked.split(',').map((name) => all[name as keyof typeof all])

  it('loses nothing of what it has taken, and keeps the order, whatever happens to its nodes', {
    ...needsHaproxy,
    timeout: 1_800_000,
  }, async () => {
    await share(...names)
    const people = new People(url, 24)
    await people.goOn()
    await people.mark('at rest', 1_000)
    for (const event of events) await event(people)
    await people.end()
  })

  it('has its keyspace for itself: a node that is in no cluster, and another one of a name that runs, are told so', async () => {
    const alone = createNode({ store: cassandraStore(options) })
    await expect(alone.listen({ port: 0 })).rejects.toThrow(/^This keyspace is that of a cluster, of n/)
    const second = createNode({ store: cassandraStore(options), cluster: { name: 'n3' } })
    await expect(second.listen({ port: 0 })).rejects.toThrow(/^A node named n3 runs already, at 127\.0\.0\.1:\d+: give/)
  }, 120_000)
})
