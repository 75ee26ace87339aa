/** The other servers: how each is started, what it is asked to keep, and whether that is on the disk when it says so. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cache, installModule, installPackages, onPath, versionOf } from './cache.ts'
import type { WireName } from './wires.ts'

type Launch = {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Record<string, string>
}
export type Peer = {
  readonly name: string
  readonly wire: WireName
  /** Whether a message is on the disk when its sender is told that the server has it. */
  readonly durable: string
  readonly configuration: string
  /** Gets what it needs, or throws with how to get it; answers its version. */
  prepare(): string
  launch(folder: string, port: number): Launch
}

const socketIo = fileURLToPath(new URL('./sqlite.js', import.meta.url))

const onSqlite = (engine: 'ws' | 'uws'): Peer => ({
  name: `Socket.IO on ${engine === 'uws' ? 'uWebSockets.js' : 'ws'} + SQLite`,
  wire: 'socketIo',
  durable: 'yes, fsync before the ack',
  configuration: 'better-sqlite3, WAL, synchronous=FULL; one transaction for all inserts of a turn of the event loop',
  prepare() {
    installPackages()
    return ['socket.io', 'better-sqlite3', engine === 'uws' ? 'uWebSockets.js' : 'ws']
      .map((name) => `${name} ${versionOf(name)}`)
      .join(', ')
  },
  launch: (folder, port) => ({
    command: process.execPath,
    args: [socketIo, cache, String(port), folder, engine],
    env: { MALLOC_TRIM_THRESHOLD_: '131072' },
  }),
})

/** Of what it prints, whatever its exit code: that of Mosquitto's help is 3. */
const versionIn = (command: string, args: readonly string[]): string =>
  /\d+\.\d+\.\d+/.exec(spawnSync(command, args, { encoding: 'utf8' }).stdout)?.[0] ?? ''

const nats: Peer = {
  name: 'NATS JetStream',
  wire: 'nats',
  durable: 'yes, fsync of each message',
  configuration: 'file store, sync_interval always; a durable push consumer a user, ack all',
  prepare: () => versionIn(natsServer(), ['--version']),
  launch(folder, port) {
    const file = join(folder, 'nats.conf')
    writeFileSync(
      file,
      `port: -1\nhost: "127.0.0.1"\njetstream { store_dir: "${folder}", sync_interval: always, max_file_store: 20G }
websocket { listen: "127.0.0.1:${port}", no_tls: true, compression: false }\n`,
    )
    return { command: natsServer(), args: ['-c', file, '-l', join(folder, 'log')] }
  },
}
const natsServer = () => installModule('nats-server', 'github.com/nats-io/nats-server/v2@v2.15.2')

const mosquitto: Peer = {
  name: 'Mosquitto',
  wire: 'mqtt',
  durable: 'no',
  configuration: 'QoS 1, persistent sessions; persistence on, which writes every 1,800 s, its default',
  prepare: () => versionIn(mosquittoPath(), ['-h']),
  launch(folder, port) {
    const file = join(folder, 'mosquitto.conf')
    mkdirSync(join(folder, 'data'))
    writeFileSync(
      file,
      `${process.getuid?.() === 0 ? 'user root\n' : ''}listener ${port}
bind_interface lo
socket_domain ipv4
protocol websockets
# With WebSockets alone 2.0.11 does not start.
listener 0 ${join(folder, 'socket')}
allow_anonymous true
persistence true
persistence_location ${join(folder, 'data')}/
max_inflight_messages 100
max_queued_messages 100000
set_tcp_nodelay true
log_type error\n`,
    )
    return { command: mosquittoPath(), args: ['-c', file] }
  },
}
const mosquittoPath = () => onPath('mosquitto', 'apt-get install mosquitto')

const centrifugo: Peer = {
  name: 'Centrifugo',
  wire: 'centrifugo',
  durable: 'no, history in memory',
  configuration: 'JSON; a channel a user, history of 100,000 with recovery',
  prepare: () => versionIn(centrifugoPath(), ['version']),
  launch(folder, port) {
    const file = join(folder, 'centrifugo.json')
    const kept = { history_ttl: '720h', force_recovery: true }
    writeFileSync(
      file,
      JSON.stringify({
        http_server: { address: '127.0.0.1', port: String(port) },
        log: { level: 'error' },
        client: { insecure: true, connection_limit: 0 },
        channel: {
          namespaces: [
            { name: 'in', history_size: 100_000, ...kept },
            { name: 'rc', history_size: 1, ...kept },
          ],
        },
      }),
    )
    return { command: centrifugoPath(), args: ['-c', file] }
  },
}
const centrifugoPath = () => installModule('centrifugo', 'github.com/centrifugal/centrifugo/v6@v6.9.1')

export const peers: readonly Peer[] = [onSqlite('uws'), onSqlite('ws'), nats, mosquitto, centrifugo]
