/** Nodes on three replicas of Cassandra, under load: a replica is killed and held up, and a node is added. For `npm run test:cluster` alone: it takes 6 GB. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { needsHaproxy, stopProxies } from '../gateway/proxy.ts'
import { Gaps } from './gaps.ts'
import { clustersHere, newKeyspace, startMs } from './here.ts'
import { People } from './people.ts'
import { ServedNodes } from './served.ts'
import { type CassandraNode, startCluster } from './server.mjs'
import { Stills } from './stills.ts'

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
      const people = await People.gather(url, { people: 24, devices: 1, writing: 24 }, new Gaps(true))
      try {
        await third.kill()
        await people.mark({ what: 'a replica is killed', boundMs: 8_000, why: 'the time-outs of two requests' })
        await third.start()
        await people.mark({ what: 'it is started again', boundMs: 8_000, why: 'the same' })
        second.pause()
        await new Promise((resolve) => setTimeout(resolve, hangMs))
        await people.mark({ what: 'a replica hangs for 12 s', boundMs: 12_000, why: 'as long as it hangs' })
        second.resume()
        await people.mark({ what: 'it goes on', boundMs: 12_000, why: 'what has waited for it' })
        const stills = await Stills.of(nodes, ...names)
        await nodes.start('n4')
        await nodes.even(...names, 'n4')
        await people.mark({ what: 'n4 is added', boundMs: 2_500, why: 'a shard moves: 300 ms' })
        await stills.note(people.gaps, 'n4 is added')
        await people.end()
      } finally {
        people.close()
      }
      expect(nodes.missed()).toEqual([])
    })
  })
}
