/** Nodes on three replicas of Cassandra, under load: a replica is killed and held up, and a node is added. For `npm run test:cluster` alone: it takes 6 GB. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { needsHaproxy, stopProxies } from '../gateway/proxy.ts'
import { clustersHere, newKeyspace, startMs } from './here.ts'
import { People } from './people.ts'
import { ServedNodes } from './served.ts'
import { type CassandraNode, startCluster } from './server.mjs'

const names = ['n1', 'n2', 'n3']
/** Of a replica that hangs: longer than a lease. */
const hangMs = 12_000

export function replicated(): void {
  describe('a cluster on three replicas', clustersHere, () => {
    let replicas: Awaited<ReturnType<typeof startCluster>> | undefined
    let nodes: ServedNodes
    let url: string
    beforeAll(async () => {
      replicas = await startCluster(3)
      const options = await newKeyspace(replicas, 3)
      nodes = new ServedNodes(() => options)
      for (const name of [...names, 'n4']) await nodes.place(name)
      for (const name of names) await nodes.start(name)
      url = await nodes.balance()
    }, startMs)
    afterAll(async () => {
      stopProxies()
      nodes?.kill()
      await replicas?.stop()
    }, startMs)

    it('loses nothing of what it has taken, whatever happens to one replica, and while a node is added', {
      ...needsHaproxy,
      timeout: 1_800_000,
    }, async () => {
      const [, second, third] = (replicas?.nodes ?? []) as CassandraNode[] as [
        CassandraNode,
        CassandraNode,
        CassandraNode,
      ]
      await nodes.share(...names)
      const people = new People(url, 24)
      await people.goOn()
      await people.mark('at rest', 1_000)
      await third.kill()
      await people.mark('a replica is killed', 8_000)
      await third.start()
      await people.mark('it is started again', 8_000)
      second.pause()
      await new Promise((resolve) => setTimeout(resolve, hangMs))
      await people.mark('a replica hangs for 12 s', 12_000)
      second.resume()
      await people.mark('it goes on', 12_000)
      await nodes.start('n4')
      await nodes.share(...names, 'n4')
      await people.mark('n4 is added', 2_500)
      await people.end()
      expect(nodes.missed()).toEqual([])
    })
  })
}
