/** nginx before the nodes of a cluster, as docs/deploy/nginx.conf has it. */
import { readFileSync } from 'node:fs'
import { afterEach, expect, it } from 'vitest'
import { closeAll, enter } from '../e2e/raw.ts'
import { needsNginx, nginxWith, stopProxies } from '../gateway/proxy.ts'
import { cluster, type Member } from './nodes.ts'

afterEach(() => {
  closeAll()
  stopProxies()
})

/** Behind a proxy a node lets in nobody without one. */
const authenticate = (token: string | null) => (token ? { user: token } : undefined)

/** The file, with the ports of these nodes. */
function configOf(nodes: readonly Member[]): string {
  let config = readFileSync('docs/deploy/nginx.conf', 'utf8').replace('listen 8080', 'listen LISTEN')
  for (const [n, { url }] of nodes.entries()) config = config.replaceAll(`10.0.0.${n + 1}:8080`, new URL(url).host)
  return config
}

it(
  'lets a client come by the node that it names, and by any where it names none, or one that is away',
  needsNginx,
  async () => {
    const start = await cluster({ trustedProxies: ['127.0.0.1'], authenticate }, 60_000)
    const nodes = [await start('n1'), await start('n2'), await start('n3')] as const
    const [n1, n2, n3] = nodes
    const url = `ws://127.0.0.1:${await nginxWith(configOf(nodes))}`
    const counts = () => nodes.map(({ node }) => node.stats().sessions)
    for (let n = 0; n < 4; n++) await enter(`${url}/?node=n2`, `homed${n}`)
    expect(counts()).toEqual([0, 4, 0])
    for (const [n, from] of ['', '/?node=n9', '/?node=n1'].entries()) await enter(`${url}${from}`, `any${n}`)
    expect(counts().reduce((all, count) => all + count)).toBe(7)
    expect(n1.node.stats().sessions).toBeGreaterThan(0)
    await n2.node.close()
    for (let n = 0; n < 4; n++) await enter(`${url}/?node=n2`, `other${n}`)
    expect(n1.node.stats().sessions + n3.node.stats().sessions).toBeGreaterThanOrEqual(5)
  },
)
