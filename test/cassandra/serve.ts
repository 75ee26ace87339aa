/** `bluetick serve` on a keyspace, as a process of its own: for what is measured of it. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { CassandraOptions } from '../../src/store/cassandra/connection.ts'
import { freePort } from '../ports.ts'
import { named } from './here.ts'

export type Served = {
  readonly url: string
  readonly pid: number
  /** When it has ended, with this code. */
  readonly ended: Promise<number | null>
  /** The last that it has printed. */
  said(): string
  /** What it has called an error. */
  errors(): readonly string[]
  kill(signal?: NodeJS.Signals): void
}

export async function serve(options: CassandraOptions, ...more: readonly string[]): Promise<Served> {
  const port = await freePort()
  const server = spawn(process.execPath, [
    'dist/src/cli/main.js',
    ...['serve', '--store', 'cassandra', '--port', String(port), '--data', '/nonexistent', ...named(options), ...more],
  ])
  let printed = ''
  const errors: string[] = []
  for (const stream of [server.stdout, server.stderr])
    stream.on('data', (text) => {
      printed = (printed + text).slice(-4_000)
      errors.push(
        ...String(text)
          .split('\n')
          .filter((line) => /^\S+ error /.test(line)),
      )
    })
  const kill = (signal: NodeJS.Signals = 'SIGKILL') => void server.kill(signal)
  const end = () => kill()
  process.once('exit', end)
  server.once('exit', () => process.off('exit', end))
  const ended = new Promise<number | null>((resolve) => server.once('exit', resolve))
  await new Promise<void>((resolve, reject) => {
    server.stdout.on('data', () => printed.includes('listens') && resolve())
    server.once('exit', (code) => reject(new Error(`the node ended with ${code}: ${printed}`)))
  })
  return { url: `ws://127.0.0.1:${port}`, pid: server.pid ?? 0, ended, said: () => printed, errors: () => errors, kill }
}

/** Resident memory of a process. */
export const residentMb = ({ pid }: Pick<Served, 'pid'>): number =>
  Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024)
