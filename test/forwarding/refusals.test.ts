/** Nodes that cannot be in the cluster say what to do, and do no harm to those who run. */
import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createNode, lmdbStore, type NodeOptions } from '../../src/index.ts'
import { cluster, type Member, person, userOf } from './nodes.ts'

type Start = Awaited<ReturnType<typeof cluster>>

/** A node that runs, and two who write to each other by it. */
async function running(own: Partial<NodeOptions> = {}) {
  const start = await cluster()
  const a = await start('a', own)
  const [ann, bob] = [person(userOf(0), a), person(userOf(1), a)]
  let said = 0
  const works = async () => {
    said += 1
    await ann.client.send(bob.name, `${said}`)
    await expect.poll(() => bob.bodies().length).toBe(said)
    expect(a.node.cluster()?.standing).toBe('up')
  }
  await works()
  return { start, a, works }
}

const options = (cluster: Partial<NodeOptions['cluster']>) => ({ cluster }) as Partial<NodeOptions>

const refused: readonly (readonly [string, (start: Start, a: Member) => Promise<unknown>, RegExp])[] = [
  [
    'with another number of shards',
    (start) => start('b', options({ shards: 99 })),
    /^The keyspace has 12 shards, for good: set cluster\.shards to that, or leave it out\.$/,
  ],
  [
    'of a name that another one has',
    (start) => start('a'),
    /^A node named a runs already, at 127\.0\.0\.1:\d+: give this one another name, or stop that one\.$/,
  ],
  [
    'in another datacenter',
    (start) => start('b', {}, { port: 0 }, 'dc2'),
    /^This node's store is in another datacenter than that of a, dc1: nodes of one cluster use one\.$/,
  ],
  [
    'with another secret',
    (start) => start('b', options({ secret: 'another secret, of as many letters' })),
    /^This node is no node of the cluster of a at \S+:\d+ \(it has another secret\): give all nodes the same secret\.$/,
  ],
  [
    'without the secret of the others',
    (start) => start('b', options({ secret: undefined } as never)),
    /\(it has another secret\): give all nodes the same secret\.$/,
  ],
  [
    'with a port for links that is taken',
    async (start) => {
      const server = createServer().listen(0, '127.0.0.1')
      await new Promise((resolve) => server.once('listening', resolve))
      const { port } = server.address() as { port: number }
      await start('b', options({ link: { port } })).finally(() => server.close())
    },
    /^Links cannot listen on 127\.0\.0\.1:\d+ \(.*\); choose another port, or stop what has it\.$/s,
  ],
]

it.each(refused)('a node %s does not start, and says so', async (_, starts, why) => {
  const { start, a, works } = await running()
  await expect(starts(start, a)).rejects.toThrow(why)
  await works()
  expect(a.node.cluster()?.shards).toHaveLength(12)
})

it('a node that does not reach one that runs does not start, and says so', async () => {
  const { start, works } = await running(options({ link: { address: '127.0.0.1:1' } }))
  await expect(start('b')).rejects.toThrow(
    /^a runs at 127\.0\.0\.1:1, and this node does not reach it there \(.+\): nodes of one cluster reach each other, and use TLS/s,
  )
  await works()
})

it('a cluster on the embedded store is refused in a sentence', async () => {
  const node = createNode({ store: lmdbStore(mkdtempSync(join(tmpdir(), 'bluetick-alone-'))), cluster: { name: 'a' } })
  await expect(node.listen({ port: 0 })).rejects.toThrow(
    'cluster needs a store that nodes can share: cassandraStore(options)',
  )
})
