/** A client comes again by the node that has its user's actor, where the load balancer can. */
import { readFileSync } from 'node:fs'
import { afterEach, expect, it } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { webSocketTransport } from '../../src/client/websocket.ts'
import { haproxy, needsHaproxy, stopProxies } from '../gateway/proxy.ts'
import { cluster, type Member, person, userOf } from './nodes.ts'

afterEach(stopProxies)

/** Sessions of users whose actors are on other nodes. */
const away = (nodes: readonly Member[]) => nodes.map(({ node }) => node.cluster()?.sessions)

it('names that node when it comes again, but not after its node has ended, nor again where that did not work', async () => {
  const start = await cluster({}, 60_000)
  const [a, b] = [await start('a'), await start('b')]
  await expect.poll(() => b.node.cluster()?.shards.length).toBeGreaterThan(0)
  const name = userOf(b.node.cluster()?.shards[0] as number)
  const urls: string[] = []
  let works = true
  const client = connect({
    url: a.url,
    token: name,
    transport: (url, subprotocol, events) => {
      urls.push(url.slice(a.url.length))
      return webSocketTransport(works ? url : 'ws://127.0.0.1:1', subprotocol, events)
    },
  })
  const online = () => expect.poll(() => client.connection.is).toBe('online')
  /** It has tried to come again. */
  const dropped = async () => {
    const before = urls.length
    await a.node.disconnect(name)
    await expect.poll(() => urls.length).toBeGreaterThan(before)
  }
  await online()
  await dropped()
  await online()
  expect(urls).toEqual(['', '?node=b'])
  works = false
  await dropped()
  await expect.poll(() => urls.length).toBeGreaterThanOrEqual(4)
  expect(urls.slice(2, 4)).toEqual(['?node=b', ''])
  works = true
  await online()
  urls.length = 0
  await a.node.close()
  await expect.poll(() => urls.length).toBeGreaterThan(0)
  expect(new Set(urls)).toEqual(new Set(['']))
  await client.close()
})

it('is sent there by HAProxy, and elsewhere from a node that is not ready or not known', needsHaproxy, async () => {
  const start = await cluster({ trustedProxies: ['127.0.0.1'] }, 60_000)
  const nodes = [await start('n1'), await start('n2'), await start('n3')] as const
  const [n1] = nodes
  let config = readFileSync('docs/deploy/haproxy.cfg', 'utf8').replace('bind :8080', 'bind BIND')
  for (const { name, url } of nodes)
    config = config.replace(new RegExp(`server ${name} .*`), `server ${name} ${new URL(url).host}`)
  const port = await haproxy(config)
  const balancer = { ...n1, url: `ws://127.0.0.1:${port}` }
  const people = Array.from({ length: 30 }, (_, n) => person(`user${n}`, balancer))
  const online = () => expect.poll(() => people.every(({ client }) => client.connection.is === 'online')).toBe(true)
  await online()
  expect(Math.max(...away(nodes).map(Number))).toBeGreaterThan(0)
  const sessions = () => nodes.map(({ node }) => node.stats().sessions)
  const sum = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0)
  // Shards may still move: who was at home then is not, until it comes again.
  const afterDrops = async () => {
    for (const { name } of people) await n1.node.disconnect(name)
    await online()
    return [sum(sessions()), ...away(nodes)]
  }
  await expect.poll(afterDrops, { interval: 1_000 }).toEqual([30, 0, 0, 0])

  // An unknown name is as good as none.
  expect((await fetch(`http://127.0.0.1:${port}/readyz?node=n9`)).status).toBe(200)
  const ended = n1.node.close({ overMs: 36_000_000 })
  for (const { name } of people) await n1.node.disconnect(name)
  await expect.poll(() => [sessions()[0], sum(sessions().slice(1))]).toEqual([0, 30])
  await n1.node.close()
  await ended
})
