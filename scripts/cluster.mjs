// npm run cluster [-- --port 8080]: Cassandra, three nodes (at the ports behind that) and, where it is installed, HAProxy before them, until
// Ctrl-C. Their data go with them.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { howToGet, oneNode, provides } from '../test/cassandra/server.mjs'

const { values } = parseArgs({ options: { port: { type: 'string', default: '8080' } } })
if (!provides()) {
  console.error(`No Cassandra can be started here. Get it with: ${howToGet}`)
  process.exit(1)
}
const root = fileURLToPath(new URL('..', import.meta.url))
const main = join(root, 'dist/src/cli/main.js')
const folder = mkdtempSync(join(tmpdir(), 'bluetick-cluster-'))
const haproxy = '/usr/sbin/haproxy'
const nodes = new Map(
  ['n1', 'n2', 'n3'].map((name, n) => [name, { port: Number(values.port) + 1 + n, child: undefined, log: '' }]),
)
let balancer
let [ending, isUp] = [false, false]
// Also where something fails on the way.
process.once('exit', killAll)

console.log('Starting Cassandra 5.0; the first time 66 MB are downloaded ...')
const { contactPoints, localDc, stop } = await oneNode({ heapMb: 512, quick: false })
const keyspace = ['--contact-points', contactPoints.join(','), '--local-dc', localDc, '--keyspace', 'bluetick']
const applied = spawnSync(process.execPath, [main, 'schema', 'apply', ...keyspace], { encoding: 'utf8' })
if (applied.status !== 0) throw new Error(applied.stderr)
console.log('Starting three nodes ...')
for (const name of nodes.keys()) await start(name)
const url = existsSync(haproxy) ? await balance() : `http://127.0.0.1:${nodes.get('n1').port}/`
isUp = true
console.log(`
The chat page is at ${url}: open it in two windows, as two people.
${list()}${existsSync(haproxy) ? '' : 'There is no HAProxy here (apt-get install haproxy): the page is that of n1, and the others have it, too.\n'}
Type  kill n2    to end a node as by a crash       pause n2, resume n2   to let it hang, and go on
      drain n2   to end it as planned              start n2              to start it again
      status     to see whose the shards are       Ctrl-C                to end all, and forget their data`)

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const [what, name] = line.trim().split(/\s+/)
  command(what, name).catch((error) => console.log(error.message))
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, end)

async function command(what, name) {
  if (what === '') return
  if (what === 'status') return status()
  const node = nodes.get(name)
  const signal = { kill: 'SIGKILL', drain: 'SIGTERM', pause: 'SIGSTOP', resume: 'SIGCONT' }[what]
  if (!node || !(signal || what === 'start')) throw new Error('kill, drain, pause, resume or start; n1, n2 or n3')
  if (signal && !node.child) throw new Error(`${name} does not run: start ${name}`)
  if (signal) return void node.child.kill(signal)
  if (node.child) throw new Error(`${name} runs already.`)
  await start(name)
}

/** Resolves when it listens. */
async function start(name) {
  const node = nodes.get(name)
  const own = ['--node-name', name, '--port', String(node.port), '--data', join(folder, name)]
  const shared = ['--media-folder', join(folder, 'media'), '--trusted-proxies', '127.0.0.1', '--drain-seconds', '5']
  const child = spawn(process.execPath, [main, 'serve', '--store', 'cassandra', ...keyspace, ...own, ...shared])
  Object.assign(node, { child, log: '' })
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      node.log = (node.log + text).slice(-4_000)
    })
  child.once('exit', (code, signal) => {
    node.child = undefined
    if (!ending) console.log(`${name} has ended with ${signal ?? code}.${code ? `\n${node.log}` : ''}`)
  })
  while (!node.log.includes('listens on')) {
    if (!node.child) throw new Error(`${name} did not start.`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  if (isUp) console.log(`${name} runs.`)
}

/** HAProxy as docs/deploy has it, for this machine. */
async function balance() {
  let config = readFileSync(join(root, 'docs/deploy/haproxy.cfg'), 'utf8')
  config = config.replace('bind :8080', `bind 127.0.0.1:${values.port}`)
  for (const [name, { port }] of nodes)
    config = config.replace(new RegExp(`server ${name} .*`), `server ${name} 127.0.0.1:${port}`)
  writeFileSync(join(folder, 'haproxy.cfg'), config)
  balancer = spawn(haproxy, ['-db', '-f', join(folder, 'haproxy.cfg')], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  balancer.stderr.on('data', (text) => {
    said += text
  })
  const address = `http://127.0.0.1:${values.port}/`
  while (
    !(await fetch(`${address}readyz`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (balancer.exitCode !== null) throw new Error(`HAProxy did not start:\n${said}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return address
}

function list() {
  return [...nodes]
    .map(
      ([name, { port, child }]) =>
        `  ${name}  http://127.0.0.1:${port}/  ${child ? `process ${child.pid}` : 'ended'}\n`,
    )
    .join('')
}

async function status() {
  const [name, node] = [...nodes].find(([, { child }]) => child) ?? []
  if (!node) throw new Error('No node runs: start n1')
  const args = ['cluster', 'status', '--url', `ws://127.0.0.1:${node.port}`, '--data', join(folder, name)]
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'inherit', 'inherit'] })
  await new Promise((resolve) => child.once('exit', resolve))
}

function killAll() {
  for (const { child } of nodes.values()) child?.kill('SIGKILL')
  balancer?.kill()
}

async function end() {
  ending = true
  lines.close()
  killAll()
  await stop()
  rmSync(folder, { recursive: true, force: true })
}
