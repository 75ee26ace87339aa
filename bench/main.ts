/** `bluetick bench`: runs what is asked for, prints a table, and writes JSON and a report. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Misuse } from '../src/cli/misuse.ts'
import { actors } from './actors.ts'
import type { Server } from './bed.ts'
import { stopAll } from './child.ts'
import { cluster } from './cluster.ts'
import { density, densityOfCluster } from './density.ts'
import { e2eeBench } from './e2ee.ts'
import { fanout } from './fanout.ts'
import { latency } from './latency.ts'
import { checkLimits, limitBehind } from './limits.ts'
import { machine } from './machine.ts'
import { type Name, type Options, readBench, usual } from './options.ts'
import { known } from './other.ts'
import { startProgress } from './progress.ts'
import { replay } from './replay.ts'
import { report } from './report.ts'
import { median } from './runs.ts'
import { startService } from './service.ts'
import { profilesIn, sharesOf } from './shares.ts'
import { type Figures, type Result, table } from './table.ts'
import { throughput } from './throughput.ts'
import { verdict } from './verdict.ts'

/** Runs `bluetick bench` with these arguments. Rejects when clients saw a lost, doubled or disordered message. */
export async function bench(args: string[]): Promise<void> {
  if (args[0] === 'peers') return peers(args.slice(1))
  const options = readBench(args)
  if (!options) return
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void interrupted(signal))
  const earlier = profilesIn(options.profile)
  const result = await measure(options, `bluetick bench ${args.join(' ')}`).catch(explain)
  console.log(table(result))
  for (const file of profilesIn(options.profile, earlier))
    console.log(
      `\n${join(options.profile, file)}, the node's own thread while it was busy\n${sharesOf(options.profile, file)}`,
    )
  const { results, ...about } = result
  const json =
    options.what === 'all' ? { ...about, ...results } : { bench: options.what, ...about, ...results[options.what] }
  if (options.json) writeFileSync(options.json, `${JSON.stringify(json, null, 2)}\n`)
  if (options.report) writeFileSync(options.report, report(result))
  const { wrong, notes } = verdict(result.results)
  for (const note of notes) console.log(`note: ${note}`)
  if (wrong.length > 0) throw new Error(wrong.join('; '))
}

/** Other servers: the package has no part in that. */
async function peers(args: readonly string[]): Promise<void> {
  const { peersBench } = await import('./peers/main.ts').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new Misuse('peers are measured from the repository of Bluetick: npm run bench -- peers')
  })
  return peersBench(args)
}

let stopping = false

/** Ends what it started; a second Ctrl-C ends it at once. */
async function interrupted(signal: 'SIGINT' | 'SIGTERM'): Promise<void> {
  stopping = true
  process.stderr.write('\nbluetick bench: stops and cleans up ...\n')
  await stopAll()
  process.exit(signal === 'SIGINT' ? 130 : 143)
}

async function explain(error: Error): Promise<never> {
  // What is asked of a process that was told to end fails, which is no news.
  if (stopping) return new Promise(() => {})
  const limit = limitBehind(error.message)
  throw limit ? new Error(`${error.message}; ${limit}`, { cause: error }) : error
}

export async function measure(options: Options, command: string): Promise<Result> {
  checkLimits(options)
  const results: Partial<Record<Name, Figures>> = {}
  for (const name of options.what === 'all' ? usual : [options.what]) {
    const runs: Figures[] = []
    for (let run = 0; run < Math.max(1, options.runs); run++) {
      const figures = await one(name, options)
      runs.push(options.url ? known(figures, options.pid) : figures)
    }
    results[name] = median(runs)
  }
  return { date: new Date().toISOString(), command, machine: machine(), results }
}

async function one(name: Name, options: Options): Promise<Figures> {
  const flags = options.profile ? ['--cpu-prof', `--cpu-prof-dir=${options.profile}`] : []
  const service = options.webhooks ? await startService() : undefined
  const node: Server = { is: 'node', flags, ...(service && { webhooks: service.url }) }
  const server: Server = options.url ? { is: 'url', url: options.url, pid: options.pid } : node
  const against: Server | undefined = options.against ? { is: 'node', tree: options.against } : undefined
  const inFlight = options['in-flight']
  const mixSeconds = options.mix ? options['mix-seconds'] : 0
  const cassandra = { contactPoints: options['contact-points'], localDc: options['local-dc'] }
  const progress = startProgress(name)
  try {
    switch (name) {
      case 'density':
        return options.nodes > 1
          ? await densityOfCluster({ ...options, mixSeconds, cassandra, flags }, progress)
          : await density(server, { ...options, mixSeconds }, progress)
      case 'throughput':
        return { ...(await throughput(server, { ...options, inFlight, against }, progress)), ...service?.figures() }
      case 'latency':
        return await latency(
          server,
          {
            ...options,
            inFlight,
            against,
            seconds: options['rate-seconds'],
            loneSeconds: options['lone-seconds'],
            rates: options.rates === '' ? [] : options.rates.split(',').map(Number),
          },
          progress,
        )
      case 'fanout':
        return await fanout(server, { ...options, inFlight, seconds: options['rate-seconds'] }, progress)
      case 'replay':
        return await replay(server, options, progress)
      case 'actors':
        return await actors(options, progress)
      case 'e2ee':
        return await e2eeBench({ ...options, rate: options['talk-rate'] }, progress)
      case 'cluster':
        return await cluster({ ...options, cassandra, flags }, progress)
    }
  } finally {
    progress.end()
  }
}
