/**
 * Three nodes, each a process, on one Cassandra, behind HAProxy, under load: they are killed, held up, cut off and drained. What the clients
 * were told is the oracle. `npm run test:cluster` does all of it; other runs do what takes tens of seconds.
 */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cassandraStore, createNode } from '../../src/index.ts'
import type { CassandraOptions } from '../../src/store/cassandra/connection.ts'
import { needsHaproxy, stopProxies } from '../gateway/proxy.ts'
import { bodiesTo, receiver, secret } from '../operations/webhooks/receiver.ts'
import { freePort } from '../ports.ts'
import { Gaps } from './gaps.ts'
import { cassandraNode, oneNodeHere, startMs } from './here.ts'
import { People } from './people.ts'
import { replicated } from './replicated.ts'
import { ServedNodes } from './served.ts'
import { Stills } from './stills.ts'
import { Wire } from './wire.ts'

const names = ['n1', 'n2', 'n3'] as const
type Name = (typeof names)[number]

/** 600 devices, and few where others use the machine, too. */
const many = { people: 200, devices: 3, writing: 24 }
const few = { people: 20, devices: 2, writing: 12 }
const dead = '13 s without a beat, which may be 3 s old; a second until it is read, and one until its shards are taken'

describe('a cluster on Cassandra', oneNodeHere, () => {
  const cassandra = cassandraNode()
  /** By which each of them reaches Cassandra. */
  const stores = new Map<string, Wire>()
  let options: CassandraOptions
  let nodes: ServedNodes
  let url: string
  /** Of the service that is told. */
  let told: number
  const store = (name: Name) => stores.get(name) as Wire
  beforeAll(async () => {
    options = await cassandra.keyspace()
    const [host = '', port = '9042'] = (options.contactPoints[0] as string).split(':')
    const file = join(mkdtempSync(join(tmpdir(), 'bluetick-hooks-')), 'secret')
    writeFileSync(file, `${secret}\n`)
    told = await freePort()
    const service = `http://127.0.0.1:${told}/hooks`
    const hooks = ['--webhook-url', service, '--webhook-secret-file', file, '--webhook-events', 'message.accepted']
    // What it costs to tell a service is to be in no figure of the whole.
    nodes = new ServedNodes(
      (name) => ({ ...options, contactPoints: [store(name as Name).address] }),
      isWhole ? [] : hooks,
    )
    for (const name of names) {
      const wire = await Wire.lay()
      wire.lead(host, Number(port))
      stores.set(name, wire)
      await nodes.place(name)
      await nodes.start(name)
    }
    url = await nodes.balance()
  }, startMs)
  afterAll(() => {
    stopProxies()
    nodes?.kill()
  })

  const back = (name: Name) => ({ what: `${name} is started again`, boundMs: 2_500, why: 'a shard moves: 300 ms' })
  /** A node is back, and gets its shards from the others. */
  const returns = async (people: People, name: Name, ...others: readonly Name[]) => {
    const stills = await Stills.of(nodes, ...others)
    await nodes.start(name)
    await nodes.share(...names)
    if (isWhole) await nodes.even(...names)
    await people.mark(back(name))
    await stills.note(people.gaps, `${name} is started again`)
  }
  const killed = async (people: People) => {
    const goes = people.goesWith('n3', () => nodes.node('n3').kill())
    await nodes.share('n1', 'n2')
    await people.mark({ what: 'n3 is killed', boundMs: 17_000, why: dead })
    const ms = await goes
    const line = `who goes with n3 is shown online for ${Math.round(ms / 1_000)} s more; it may be 40`
    people.gaps.note(line, ms <= 40_000)
    await returns(people, 'n3', 'n1', 'n2')
  }
  const unlinked = async (people: People) => {
    for (const name of names) nodes.links(name).cut()
    await nodes.waitFor(async () => (await nodes.status('n1')).filter(({ isReached }) => isReached).length === 1)
    for (const name of names) nodes.links(name).mend()
    await nodes.waitFor(async () => (await nodes.status('n1')).every(({ isReached }) => isReached))
    await people.mark({
      what: 'no node reaches another for a while',
      boundMs: 20_000,
      why: 'until all have seen it, which this test waits for, and 5 s until links are dialed again',
    })
  }
  /** It is taken for dead, and ends when it learns so. */
  const lost = async (people: People, what: string, begin: () => void, end: () => void) => {
    begin()
    await nodes.share('n1', 'n3')
    await people.mark({ what, boundMs: 17_000, why: dead })
    end()
    expect({ code: await nodes.node('n2').ended, said: nodes.node('n2').said() }).toMatchObject({ code: 75 })
    await returns(people, 'n2', 'n1', 'n3')
  }
  const heldUp = (people: People) =>
    lost(
      people,
      'n2 hangs',
      () => nodes.node('n2').kill('SIGSTOP'),
      () => nodes.node('n2').kill('SIGCONT'),
    )
  const cutOff = (people: People) =>
    lost(
      people,
      'n2 does not reach Cassandra',
      () => store('n2').cut(),
      () => store('n2').mend(),
    )
  const drained = async (people: People) => {
    nodes.node('n1').kill('SIGTERM')
    expect(await nodes.node('n1').ended).toBe(0)
    await people.mark({
      what: 'n1 is drained',
      boundMs: 2_500,
      why: 'a shard moves: 300 ms; its clients come back spread over 2 s',
    })
    await nodes.share('n2', 'n3')
  }
  const all = { killed, unlinked, heldUp, cutOff, drained }
  const asked = process.env['CLUSTER_TESTS'] ?? 'killed,unlinked,drained'
  const isWhole = asked === 'all'
  const events = isWhole ? Object.values(all) : asked.split(',').map((name) => all[name as keyof typeof all])

  it('loses nothing of what it has taken, and keeps the order, whatever happens to its nodes', {
    ...needsHaproxy,
    timeout: 1_800_000,
  }, async () => {
    await nodes.share(...names)
    const service = await receiver(undefined, told)
    const row = (name: string) => new RegExp(`^${name} +up +\\d+ +\\S+ +yes +\\d+$`, 'm')
    await nodes.waitFor(async () => {
      const printed = await nodes.printed('n1')
      return names.every((name) => row(name).test(printed))
    })
    const people = await People.gather(url, isWhole ? many : few, new Gaps(isWhole))
    try {
      for (const event of events) await event(people)
      await people.end()
    } finally {
      people.close()
    }
    expect(nodes.missed()).toEqual([])
    if (isWhole) return
    for (const [user, bodies] of people.due) await expect.poll(() => bodiesTo(service, user)).toEqual(bodies)
  })

  it('has its keyspace for itself: a node that is in no cluster, and another one of a name that runs, are told so', async () => {
    const alone = createNode({ store: cassandraStore(options) })
    await expect(alone.listen({ port: 0 })).rejects.toThrow(/^This keyspace is that of a cluster, of n/)
    const second = createNode({ store: cassandraStore(options), cluster: { name: 'n3' } })
    await expect(second.listen({ port: 0 })).rejects.toThrow(/^A node named n3 runs already, at 127\.0\.0\.1:\d+: give/)
  }, 120_000)

  it('ends with code 75 when the others have taken it for dead, as service managers need to start it anew', async () => {
    const store = cassandraStore(options)
    await store.open()
    const { rows } = await store.cluster.members()
    const { life } = rows.find(({ name }) => name === 'n3') as (typeof rows)[number]
    await store.cluster.mark(life, null)
    expect({ code: await nodes.node('n3').ended, said: nodes.node('n3').said() }).toMatchObject({ code: 75 })
    expect(nodes.node('n3').said()).toContain('have taken this start of n3 for dead')
    await store.close()
  }, 120_000)
})

if (process.env['CLUSTER_TESTS'] === 'all') replicated()
