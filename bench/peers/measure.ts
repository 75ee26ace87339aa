/** One server under the loads that all get: a closed loop, then the rates of a busy and of a quiet hour. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bed, type Server, sleep, withBed } from '../bed.ts'

import { lone, paceOf, slice, warmUpLone } from '../pace.ts'
import type { Figures } from '../table.ts'
import { warmUp } from '../throughput.ts'
import { observe, rates } from '../window.ts'
import type { Peer } from './servers.ts'

export type Load = {
  readonly pairs: number
  readonly inFlight: number
  readonly body: number
  readonly generators: number
  readonly seconds: number
}
type About = Pick<Peer, 'name' | 'durable' | 'configuration'> & { readonly version: string }
export type Subject = About &
  ({ readonly is: 'node' | 'floor' | 'durable' } | ({ readonly is: 'peer' } & Pick<Peer, 'wire' | 'launch'>))

export const durations = { seconds: 5 }
/** How long a server may take to listen, and to end. */
const patienceMs = 20_000

export const measure = (subject: Subject, load: Load): Promise<Figures> =>
  subject.is === 'peer'
    ? withPeer(subject, (server) => withBed(server, load.generators, (bed) => under(bed, load)))
    : withBed({ is: subject.is }, load.generators, (bed) => under(bed, load))

async function under(bed: Bed, { pairs, inFlight, body, seconds }: Load): Promise<Figures> {
  await bed.open(0, pairs * 2)
  await bed.all('pump', () => ({ kind: 'pairs', to: 0, bodyBytes: body, inFlight, rate: 0 }))
  await warmUp(bed)
  const window = await observe(bed, () => sleep(seconds * 1_000), false)
  await bed.drain()
  const closed = rates(window, window.end.delivered - window.start.delivered)
  await warmUpLone(bed, body)
  const open: Figures[] = []
  for (const rate of lone.toReversed()) {
    const pace = paceOf(rate, [await slice(bed, rate, body, seconds)])
    open.push({
      rate,
      held: pace.held,
      cpu_us_per_message: pace.cpuUs,
      sent_p50_ms: pace.sentP50,
      delivered_p50_ms: pace.deliveredP50,
      delivered_p99_ms: pace.deliveredP99,
      others_cpu_share: pace.otherShare,
    })
  }
  const { sent, received, duplicated, disordered, failures } = await bed.totals()
  return {
    messages_per_second: closed.perSecond,
    cpu_us_per_message: closed.cpuUs,
    cpu_share: closed.cpuShare,
    p50_ms: window.end.ms.delivered.percentile(0.5),
    p99_ms: window.end.ms.delivered.percentile(0.99),
    generator_busiest_share: closed.generatorShare,
    others_cpu_share: closed.otherShare,
    rates: open,
    lost: sent - received,
    duplicated,
    disordered,
    failures,
  }
}

/** Runs it with a folder of its own, which is gone afterwards. */
async function withPeer<T>(
  { launch, wire, name }: Subject & { is: 'peer' },
  use: (server: Server) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-bench-'))
  const port = await freePort()
  const { command, args, env } = launch(folder, port)
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = once(child, 'exit')
  try {
    const until = performance.now() + patienceMs
    while (!(await listens(port))) {
      if (child.exitCode !== null || performance.now() > until) throw new Error(`${name} does not listen`)
      await sleep(100)
    }
    return await use({ is: 'peer', port, wire, pid: child.pid as number })
  } finally {
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), patienceMs)
    await ended
    clearTimeout(late)
    rmSync(folder, { recursive: true, force: true })
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
