/** Metrics on a port of their own, which asks for no token: for a network that only Prometheus reaches. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { BluetickNode } from '../index.ts'
import { Misuse } from './misuse.ts'
import type { Option } from './values.ts'

export const metricsTable = {
  'metrics-host': {
    text: 'address of --metrics-port; whoever reaches it may read them',
    value: 'ADDRESS',
    default: '127.0.0.1',
    env: 'BLUETICK_METRICS_HOST',
  },
  'metrics-port': {
    text: 'port of its own for GET /metrics, without a token; 0 takes any free one',
    default: '',
    otherwise: 'none; the port of the node answers who shows the operator token',
    env: 'BLUETICK_METRICS_PORT',
    whole: [0, 65_535],
  },
} satisfies Record<string, Option>

/** Answers where they are; undefined: on no port of their own. */
export async function serveMetrics(
  { 'metrics-host': host, 'metrics-port': port }: Record<keyof typeof metricsTable, string>,
  node: Pick<BluetickNode, 'metrics'>,
): Promise<string | undefined> {
  if (port === '') return undefined
  const server = createServer(async ({ url, method }, response) => {
    if (url !== '/metrics' || method !== 'GET') return void response.writeHead(404).end('Only GET /metrics.\n')
    try {
      const body = await node.metrics()
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(body)
    } catch (error) {
      response.writeHead(503).end(`${(error as Error).message}\n`)
    }
  })
  // The node decides when the process ends.
  server.unref()
  try {
    await once(server.listen(Number(port), host), 'listening')
  } catch (error) {
    throw new Misuse(`--metrics-port: ${(error as Error).message}`)
  }
  const { port: bound } = server.address() as { port: number }
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound}/metrics`
}
