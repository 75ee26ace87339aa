/** A node that stops while others go on: alone on a clock of its own, and behind a real HAProxy. */
import { afterEach, describe, expect, it } from 'vitest'
import { type Client, connect } from '../../src/client/index.ts'
import { createNode, memoryStore } from '../../src/index.ts'
import { drainSessions } from '../../src/operations/draining.ts'
import { VirtualClock } from '../client/world.ts'
import { haproxy, needsHaproxy, stopProxies } from '../gateway/proxy.ts'

describe('a node that stops over some time', () => {
  afterEach(stopProxies)

  it('ends nobody at first, then all little by little, also who came meanwhile', async () => {
    const clock = new VirtualClock()
    let [size, over] = [1_000, false]
    const closeSome = (count: number) => {
      size -= Math.min(size, count)
    }
    const drained = drainSessions(
      clock,
      {
        get size() {
          return size
        },
        closeSome,
      },
      30_000,
      () => false,
    ).then(() => {
      over = true
    })
    const left: number[] = []
    for (let n = 0; n < 5; n++) {
      await clock.pass(5_000)
      left.push(size)
    }
    expect(left.slice(0, 2)).toEqual([1_000, 995])
    expect(left.slice(2).map((left) => Math.round(left / 100) * 100)).toEqual([700, 500, 200])
    size += 10
    expect(over).toBe(false)
    await clock.pass(5_100)
    await drained
    expect(size).toBe(0)
  })

  it('is over when it is hurried', async () => {
    const clock = new VirtualClock()
    let hurried = false
    const drained = drainSessions(clock, { size: 9, closeSome: () => {} }, 1e9, () => hurried)
    await clock.pass(5_000)
    hurried = true
    await clock.pass(100)
    await drained
  })

  it('goes on until then: it takes who comes, and what a program sends', async () => {
    const node = createNode({ store: memoryStore() })
    const { url } = await node.listen({ port: 0 })
    const ready = async () => (await fetch(`http${url.slice(2)}/readyz`)).text()
    expect(await ready()).toBe('ready\n')
    const closed = node.close({ overMs: 3_600_000 })
    await expect.poll(ready).toBe('not ready: the node is stopping\n')
    const [ann, ben] = [connect({ url, token: 'ann' }), connect({ url, token: 'ben' })]
    expect(await ann.send('ben', 'hi')).toMatchObject({ state: 'sent' })
    await node.send({ from: 'ann', to: 'ben', body: 'and hello' })
    expect(node.stats().sessions).toBe(2)
    await node.close()
    await closed
    expect(ann.connection).toMatchObject({ is: 'waiting', reason: 'going_away' })
    for (const client of [ann, ben]) await client.close()
    await expect(node.close({ over: 5 } as never)).rejects.toThrow('close has no option over')
  })

  it('sends its clients to another node, and none of them before a refusal', needsHaproxy, async () => {
    const [one, two] = [createNode({ store: memoryStore() }), createNode({ store: memoryStore() })]
    const ports = [(await one.listen({ port: 0 })).port, (await two.listen({ port: 0 })).port]
    const server = (n: number) => `127.0.0.1:${ports[n]} check inter 100ms fall 1 rise 1`
    const port = await haproxy(`defaults
  mode http
  timeout connect 5s
  timeout client 90s
  timeout server 90s
  timeout check 5s
frontend chat
  bind BIND
  default_backend nodes
backend nodes
  option httpchk
  http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host node1
  server one ${server(0)}
  server two ${server(1)} backup`)
    const why = new Set<string>()
    const clients: Client[] = Array.from({ length: 20 }, (_, n) =>
      connect({ url: `ws://127.0.0.1:${port}`, token: `user-${n}` }),
    )
    for (const client of clients) client.on('connection', (is) => is.is === 'waiting' && why.add(is.reason))
    await expect.poll(() => one.stats().sessions).toBe(20)
    const closed = one.close({ overMs: 3_000 })
    await expect.poll(() => two.stats().sessions).toBe(20)
    await closed
    expect([...why]).toEqual(['going_away'])
    for (const client of clients) await client.close()
    await two.close()
  })
})
