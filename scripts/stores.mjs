// npm run bench:stores [-- --seconds 15]: throughput of a node on the embedded store and of one on Cassandra, one after the
// other, on the same machine; prints the table of docs/cassandra.md. Cassandra, the node and the load share the cores.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { howToGet, oneNode, provides } from '../test/cassandra/server.mjs'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '15' } } })
const main = 'dist/src/cli/main.js'
if (!provides()) {
  console.error(`No Cassandra can be started here. Get it with: ${howToGet}`)
  process.exit(1)
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  return String(port)
}

async function measure(name, store) {
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-stores-'))
  const port = await freePort()
  const node = spawn(process.execPath, [main, 'serve', '--port', port, '--data', folder, ...store], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(node.stdout, 'data')
  const json = join(folder, 'figures.json')
  const load = ['--url', `ws://127.0.0.1:${port}`, '--pid', String(node.pid), '--seconds', values.seconds]
  const { status } = spawnSync(process.execPath, [main, 'bench', 'throughput', ...load, '--json', json], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  node.kill('SIGKILL')
  await once(node, 'exit')
  if (status !== 0) throw new Error(`the benchmark on ${name} ended with ${status}`)
  const figures = JSON.parse(readFileSync(json, 'utf8'))
  rmSync(folder, { recursive: true })
  const [rate, cpu, sent, delivered] = [
    figures.messages_per_second,
    figures.node_cpu_us_per_message,
    figures.sent_p50_ms,
    figures.p50_ms,
  ].map((figure) => Math.round(figure).toLocaleString('en'))
  return `| ${name} | ${rate} | ${cpu} us | ${sent} ms | ${delivered} ms |`
}

const rows = [await measure('embedded', [])]
const { contactPoints, localDc, stop } = await oneNode({ heapMb: 1_024, quick: false })
try {
  const cluster = ['--contact-points', contactPoints.join(','), '--local-dc', localDc, '--keyspace', 'bench_stores']
  execFileSync(process.execPath, [main, 'schema', 'apply', ...cluster])
  rows.push(await measure('Cassandra', ['--store', 'cassandra', ...cluster]))
} finally {
  await stop()
}
console.log(`| | messages a second | CPU of the node per message | sent, p50 | delivered, p50 |
|---|---|---|---|---|
${rows.join('\n')}`)
