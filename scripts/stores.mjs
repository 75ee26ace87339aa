// npm run bench:stores [-- --seconds 15 --profile FOLDER]: throughput of a node on the embedded store and of one on Cassandra, one
// after the other, on the same machine, and what a message takes on Cassandra's disk; prints what docs/cassandra.md says of it.
// Cassandra, the node and the load share the cores. `--profile`: also which parts of the node took its CPU, which takes CPU itself.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { raised } from '../dist/bench/raised.js'
import { profilesIn, sharesOf } from '../dist/bench/shares.js'
import { started } from '../dist/bench/started.js'
import { cassandraStore } from '../dist/src/index.js'
import { howToGet, oneNode, provides, providesClusters, startCluster } from '../test/cassandra/server.mjs'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '15' }, profile: { type: 'string', default: '' } },
})
const flags = [...started.flags, ...(values.profile ? ['--cpu-prof', `--cpu-prof-dir=${values.profile}`] : [])]
const main = 'dist/src/cli/main.js'
/** As of all nodes that are measured: by default nobody may write without a pause. */
const limits = [
  '--limit',
  Object.entries(raised)
    .map((pair) => pair.join('='))
    .join(),
]
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
  const node = spawn(
    process.execPath,
    [...flags, main, 'serve', '--port', port, '--data', folder, ...limits, ...store],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...started.env },
    },
  )
  await once(node.stdout, 'data')
  const json = join(folder, 'figures.json')
  const load = ['--url', `ws://127.0.0.1:${port}`, '--pid', String(node.pid), '--seconds', values.seconds]
  const { status } = spawnSync(process.execPath, [main, 'bench', 'throughput', ...load, '--json', json], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const earlier = profilesIn(values.profile)
  node.kill()
  await once(node, 'exit')
  for (const file of profilesIn(values.profile, earlier))
    console.log(`${name}, the node's own thread while it was busy\n${sharesOf(values.profile, file)}\n`)
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

/** Messages of 200 random letters, each by another sender, and how many at a time. */
const stored = { messages: 20_000, atOnce: 100 }
const letters = () => Array.from({ length: 200 }, () => String.fromCharCode(97 + Math.random() * 26)).join('')
const message = (seq) => {
  return { is: 'message', seq, time: Date.now(), id: randomUUID(), from: `user-${seq}`, body: letters() }
}

/** Bytes of a message by table, compressed, after a flush. */
async function onDisk(cluster, { nodes, ...where }) {
  const keyspace = 'bench_disk'
  execFileSync(process.execPath, [main, 'schema', 'apply', ...cluster, '--keyspace', keyspace])
  const store = cassandraStore({ ...where, keyspace })
  await store.open()
  for (let seq = 1; seq <= stored.messages; seq += stored.atOnce)
    await store.append(
      'alice',
      7,
      1,
      Array.from({ length: stored.atOnce }, (_, n) => message(seq + n)),
    )
  await store.close()
  await nodes[0].tool('flush', keyspace)
  const { tables } = JSON.parse(await nodes[0].tool('tablestats', '-F', 'json', keyspace))[keyspace]
  const bytes = (table) => Math.round(tables[table].space_used_live / stored.messages)
  return `bytes of a message on the disk: inbox_entries ${bytes('inbox_entries')}, dedupe ${bytes('dedupe')}`
}

const rows = [await measure('embedded', [])]
const place = { heapMb: 1_024, quick: false, patient: true }
const cassandra = providesClusters()
  ? await startCluster(1, { ...place, jmxPort: await freePort() })
  : await oneNode(place)
const { contactPoints, localDc, nodes, stop } = cassandra
try {
  const cluster = ['--contact-points', contactPoints.join(','), '--local-dc', localDc]
  execFileSync(process.execPath, [main, 'schema', 'apply', ...cluster, '--keyspace', 'bench_stores'])
  rows.push(await measure('Cassandra', ['--store', 'cassandra', ...cluster, '--keyspace', 'bench_stores']))
  if (nodes) console.log(`${await onDisk(cluster, { nodes, contactPoints, localDc })}\n`)
} finally {
  await stop()
}
console.log(`| | messages a second | CPU of the node per message | sent, p50 | delivered, p50 |
|---|---|---|---|---|
${rows.join('\n')}`)
