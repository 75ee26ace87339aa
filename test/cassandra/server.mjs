// A real Cassandra for tests and for developers: one node or several, each a process of its own on a loopback address.
// It comes from Maven Central with Java 17 and Maven, or from a Docker engine, and is kept outside the tree once downloaded.
import { execFile, spawn, spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { dockerNode } from './docker.mjs'

const version = '5.0.5'
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'bluetick')
const jars = join(cache, `cassandra-${version}`)
const nodeUpMs = 300_000

const answers = (command, ...args) => spawnSync(command, args, { stdio: 'ignore', timeout: 20_000 }).status === 0
const mavenHere = () => answers('java', '-version') && (existsSync(jars) || answers('mvn', '-v'))
const dockerHere = () => answers('docker', 'info')

/** What one types where `provides` is false. */
export const howToGet = 'apt-get install openjdk-17-jre-headless maven, or set CASSANDRA_CONTACT_POINTS'
/** Whether one node can be had here: one that runs, or from Maven or Docker. */
export const provides = () => Boolean(process.env.CASSANDRA_CONTACT_POINTS) || mavenHere() || dockerHere()

/** Whether nodes can be started and killed here. */
export const providesClusters = () => mavenHere()

/** One node: what CASSANDRA_CONTACT_POINTS names (its datacenter by CASSANDRA_DC), else one that is started here. `folder`: its files, where they are here. */
export async function oneNode(place = {}) {
  const given = process.env.CASSANDRA_CONTACT_POINTS
  if (given)
    return {
      contactPoints: given.split(','),
      localDc: process.env.CASSANDRA_DC ?? 'datacenter1',
      folder: process.env.CASSANDRA_FOLDER,
      stop: async () => {},
    }
  if (!mavenHere() && dockerHere()) return dockerNode(version, place)
  const { contactPoints, localDc, folder, stop } = await startCluster(1, { patient: true, ...place })
  return { contactPoints, localDc, folder, stop }
}

/**
 * `size` nodes of one cluster, all up when it resolves. Their addresses are 127.a.b.1, .2 and so on, with random a and b.
 * `quick`: a start that takes half the CPU, and a slower server after it. `patient`: requests may take a minute. `keystore`: TLS by it (its password is `password`), and
 * users with passwords (`cassandra`, `cassandra`). `jmxPort`: where `nodetool` reaches it. `exact`: a node has what it has answered
 * and nothing else: all is on the disk before that, and what it missed while it was away it does not get later as a hint.
 */
export async function startCluster(
  size,
  { host, port = 9042, heapMb = 384, quick = true, patient = false, keystore, jmxPort, exact = false } = {},
) {
  await download()
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-cassandra-'))
  const net = `127.${randomInt(1, 255)}.${randomInt(0, 255)}`
  const seed = host ?? `${net}.1`
  const nodes = Array.from({ length: size }, (_, n) => {
    const place = {
      host: n === 0 ? seed : `${net}.${n + 1}`,
      seed,
      port,
      heapMb,
      quick,
      patient,
      keystore,
      jmxPort,
      exact,
      token: tokenOf(n, size),
    }
    return new Node(join(folder, String(n + 1)), place)
  })
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.kill()))
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const [first, ...others] = nodes
    await first.start()
    await Promise.all(others.map((node) => node.start()))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    nodes,
    contactPoints: nodes.map(({ host }) => `${host}:${port}`),
    localDc: 'datacenter1',
    folder: nodes[0].folder,
    stop,
  }
}

/** Each has an equal part of the ring from the start, so that nothing moves when they join at the same time. */
const tokenOf = (n, size) => String((BigInt(n) * 2n ** 64n) / BigInt(size) - 2n ** 63n + 1n)

/** One process. `kill` is kill -9, `pause` and `resume` are SIGSTOP and SIGCONT; `start` starts it again with its data. */
class Node {
  #process
  constructor(folder, place) {
    this.host = place.host
    this.port = place.port
    this.folder = folder
    this.jmxPort = place.jmxPort
    this.arguments = configure(folder, place)
  }
  async start() {
    const output = []
    const child = spawn('java', this.arguments, { stdio: ['ignore', 'pipe', 'pipe'] })
    const forget = () => child.kill('SIGKILL')
    process.once('exit', forget)
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => {
        output.push(String(text))
        if (output.length > 200) output.shift()
      })
    this.#process = child
    child.once('exit', () => process.off('exit', forget))
    const until = Date.now() + nodeUpMs
    while (!(await accepts(this.host, this.port))) {
      if (child.exitCode !== null || child.signalCode !== null || Date.now() > until)
        throw new Error(`Cassandra on ${this.host} did not start:\n${output.join('')}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  async kill() {
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
  /** `nodetool`, for a node with a `jmxPort`. Answers what it printed. */
  async tool(...args) {
    const main = ['-cp', `${this.folder}:${jars}/*`, 'org.apache.cassandra.tools.NodeTool', '-p', String(this.jmxPort)]
    return (await promisify(execFile)('java', [...modules, ...main, ...args], { maxBuffer: 2 ** 24 })).stdout
  }
  pause() {
    this.#process.kill('SIGSTOP')
  }
  resume() {
    this.#process.kill('SIGCONT')
  }
}

function accepts(host, port) {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1_000 })
    const done = (is) => () => {
      socket.destroy()
      resolve(is)
    }
    socket.once('connect', done(true)).once('error', done(false)).once('timeout', done(false))
  })
}

/** The jars, by Maven, into the cache. Two that do it at once do not disturb each other. */
async function download() {
  if (existsSync(jars)) return
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'download-'))
  const dependency = `<groupId>org.apache.cassandra</groupId><artifactId>cassandra-all</artifactId><version>${version}</version>`
  writeFileSync(
    join(folder, 'pom.xml'),
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>bluetick</groupId>
     <artifactId>cassandra</artifactId><version>1</version><dependencies><dependency>${dependency}</dependency></dependencies></project>`,
  )
  const copy = ['-q', '-B', '-f', join(folder, 'pom.xml'), 'dependency:copy-dependencies', '-DoutputDirectory=jars']
  await promisify(execFile)('mvn', copy, { maxBuffer: 2 ** 24 })
  try {
    renameSync(join(folder, 'jars'), jars)
  } catch (error) {
    if (!existsSync(jars)) throw error
  }
  rmSync(folder, { recursive: true })
}

const exported =
  'java.base/jdk.internal.misc java.base/jdk.internal.ref java.base/sun.nio.ch java.sql/java.sql java.rmi/sun.rmi.registry java.rmi/sun.rmi.server java.management.rmi/com.sun.jmx.remote.internal.rmi'
const opened =
  'java.base/java.lang.module java.base/jdk.internal.loader java.base/jdk.internal.ref java.base/jdk.internal.reflect java.base/jdk.internal.math java.base/jdk.internal.module java.base/jdk.internal.util.jar java.base/sun.nio.ch java.base/java.io java.base/java.nio java.base/java.util java.base/java.util.concurrent java.base/java.util.concurrent.atomic java.base/java.lang jdk.management/com.sun.management.internal'

const modules = [
  ...exported.split(' ').map((name) => `--add-exports=${name}=ALL-UNNAMED`),
  ...opened.split(' ').map((name) => `--add-opens=${name}=ALL-UNNAMED`),
]

/** Writes the configuration of one node; answers Java's arguments. */
function configure(folder, place) {
  const { heapMb, quick, jmxPort } = place
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'cassandra.yaml'), yaml(folder, place))
  writeFileSync(
    join(folder, 'logback.xml'),
    '<configuration><appender name="OUT" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%level %msg%n</pattern></encoder></appender><root level="ERROR"><appender-ref ref="OUT"/></root></configuration>',
  )
  return [
    `-Xms${heapMb}m`,
    `-Xmx${heapMb}m`,
    '-XX:+UseSerialGC',
    ...(quick ? ['-XX:TieredStopAtLevel=1'] : []),
    '-XX:+ExitOnOutOfMemoryError',
    '-Djdk.attach.allowAttachSelf=true',
    ...modules,
    `-Dcassandra.config=file://${join(folder, 'cassandra.yaml')}`,
    `-Dcassandra.storagedir=${folder}`,
    `-Dcassandra.logdir=${folder}`,
    '-Dcassandra-foreground=yes',
    '-Dcassandra.skip_wait_for_gossip_to_settle=0',
    '-Dcassandra.ring_delay_ms=1000',
    '-Dcassandra.superuser_setup_delay_ms=0',
    ...(jmxPort ? [`-Dcassandra.jmx.local.port=${jmxPort}`] : []),
    '-cp',
    `${folder}:${jars}/*`,
    'org.apache.cassandra.service.CassandraDaemon',
  ]
}

/** Of a node that no fault is tested on: a busy machine shall not look like one. */
const timeouts = ['read', 'range', 'write', 'truncate', 'cas_contention']
  .map((kind) => `${kind}_${kind === 'cas_contention' ? '' : 'request_'}timeout: 60000ms\n`)
  .join('')
const open = `authenticator: AllowAllAuthenticator
authorizer: AllowAllAuthorizer
`
const secured = (keystore) => `authenticator: PasswordAuthenticator
authorizer: CassandraAuthorizer
client_encryption_options:
  enabled: true
  keystore: ${keystore}
  keystore_password: password
  store_type: PKCS12
`

const yaml = (folder, { host, seed, port, token, keystore, patient, exact }) => `cluster_name: bluetick
num_tokens: 1
initial_token: '${token}'
auto_bootstrap: false
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
${exact ? 'commitlog_sync: batch' : 'commitlog_sync: periodic\ncommitlog_sync_period: 10000ms'}
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters: [{ seeds: "${seed}" }]
listen_address: ${host}
rpc_address: ${host}
storage_port: 7000
native_transport_port: ${port}
endpoint_snitch: SimpleSnitch
${keystore === undefined ? open : secured(keystore)}auto_snapshot: false
${patient ? timeouts : ''}memtable_heap_space: 96MiB
memtable_offheap_space: 96MiB
data_file_directories: [${folder}/data]
commitlog_directory: ${folder}/commitlog
saved_caches_directory: ${folder}/saved_caches
hints_directory: ${folder}/hints
hinted_handoff_enabled: ${!exact}
cdc_raw_directory: ${folder}/cdc_raw
`
