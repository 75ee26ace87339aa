/** HAProxy before the nodes of a cluster, as docs/deploy/haproxy.cfg has it. */
import { readFileSync } from 'node:fs'
import { afterEach, expect, it } from 'vitest'
import { haproxy, needsHaproxy, stopProxies } from '../gateway/proxy.ts'
import { cluster, type Member, person } from './nodes.ts'

afterEach(stopProxies)

const sessions = ({ node }: Member) => node.stats().sessions

it(
  'spreads people over the nodes, and sends nobody to one that is not ready, and leaves who is there',
  needsHaproxy,
  async () => {
    const start = await cluster({ trustedProxies: ['127.0.0.1'] }, 60_000)
    const nodes = [await start('n1'), await start('n2'), await start('n3')] as const
    const [n1, n2, n3] = nodes
    let config = readFileSync('docs/deploy/haproxy.cfg', 'utf8').replace('bind :8080', 'bind BIND')
    for (const { name, url } of nodes)
      config = config.replace(new RegExp(`server ${name} .*`), `server ${name} ${new URL(url).host}`)
    const port = await haproxy(config)
    const ready = () => fetch(`http://127.0.0.1:${port}/readyz`).then(({ status }) => status)
    await expect.poll(ready).toBe(200)
    const balancer = { ...n1, url: `ws://127.0.0.1:${port}` }
    const come = (text: string) => Array.from({ length: 9 }, (_, n) => person(`${text}${n}`, balancer))
    const first = come('first')
    await expect.poll(() => nodes.map(sessions).reduce((all, some) => all + some)).toBe(9)
    expect(Math.min(...nodes.map(sessions))).toBeGreaterThan(0)
    await expect.poll(() => first.every(({ client }) => client.connection.is === 'online')).toBe(true)
    const staying = sessions(n1)

    const dropped: string[] = []
    for (const { client } of first) client.on('connection', (now) => now.is === 'waiting' && dropped.push(now.reason))
    const readyAt = ({ url }: Member) => fetch(`${url.replace('ws', 'http')}/readyz`).then(({ status }) => status)
    n1.way.cut = true
    expect(await Promise.all(nodes.map(readyAt))).toEqual([404, 200, 200])
    n1.way.cut = false
    // It says so for a long time before it does anything else.
    const ended = n1.node.close({ overMs: 36_000_000 })
    expect(await Promise.all(nodes.map(readyAt))).toEqual([404, 200, 200])
    // Until it is known to HAProxy, which asks once a second.
    const fetched = async () => new Set(await Promise.all(Array.from({ length: 12 }, ready)))
    await expect.poll(fetched).toEqual(new Set([200]))
    const second = come('second')
    await expect.poll(() => sessions(n2) + sessions(n3)).toBe(18 - staying)
    expect([sessions(n1), dropped]).toEqual([staying, []])
    await n1.node.close()
    await ended
    await expect.poll(() => sessions(n2) + sessions(n3)).toBe(18)
    const [ann, bob] = [first[0], second[0]]
    await ann?.client.send('second0', 'still here')
    await expect.poll(() => bob?.bodies()).toEqual(['still here'])
  },
)
