// One Cassandra in a Docker engine, for machines without Java. The container goes with the process that started it.
import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'

const docker = (...args) => promisify(execFile)('docker', args, { maxBuffer: 2 ** 24 })
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** `host` and `port`: where it is to be reached; by default a free port of the loopback. */
export async function dockerNode(version, { host = '127.0.0.1', port = '', heapMb = 512, upMs = 180_000 } = {}) {
  const heap = ['-e', `MAX_HEAP_SIZE=${heapMb}M`, '-e', `HEAP_NEWSIZE=${Math.ceil(heapMb / 4)}M`]
  const container = await run(['-d', ...heap, '-p', `${host}:${port}:9042`, `cassandra:${version}`])
  const remove = () => spawnSync('docker', ['rm', '-f', container], { stdio: 'ignore' })
  process.once('exit', remove)
  const stop = async () => {
    process.off('exit', remove)
    await docker('rm', '-f', container)
  }
  try {
    await answers(container, Date.now() + upMs)
    // One line for each address family.
    const [contactPoint] = (await docker('port', container, '9042/tcp')).stdout.trim().split('\n')
    return { contactPoints: [contactPoint], localDc: 'datacenter1', stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function run(args) {
  try {
    return (await docker('run', ...args)).stdout.trim()
  } catch (error) {
    throw new Error(`Docker did not start Cassandra: ${error.stderr.trim()}`, { cause: error })
  }
}

/** Resolves when it takes queries. Rejects with the end of its log when it has ended, or is not up in time. */
async function answers(container, until) {
  const query = ['exec', container, 'cqlsh', '-e', 'SELECT key FROM system.local']
  const isUp = () =>
    docker(...query).then(
      () => true,
      () => false,
    )
  while (!(await isUp())) {
    const ended = (await docker('inspect', '-f', '{{.State.Running}}', container)).stdout.trim() !== 'true'
    if (ended || Date.now() > until) {
      const { stdout, stderr } = await docker('logs', '--tail', '50', container)
      throw new Error(`Cassandra in Docker ${ended ? 'ended' : 'was not up in time'}:\n${stdout}${stderr}`)
    }
    await sleep(1_000)
  }
}
