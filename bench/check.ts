/**
 * `npm run bench:check`: repeats the short form, and compares what does not depend on the machine's speed with
 * bench/results/short.json, which `npm run bench:check -- --save` writes (`--save latency` that one part of it).
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { actors } from './actors.ts'
import { densityByClass } from './density.ts'
import { fanout } from './fanout.ts'
import { latency } from './latency.ts'
import { machine } from './machine.ts'
import { readBench } from './options.ts'
import { lone } from './pace.ts'
import { startProgress } from './progress.ts'
import { type Rule, verdictOn } from './rules.ts'
import type { Figures } from './table.ts'
import { throughput } from './throughput.ts'
import { othersIn } from './verdict.ts'

/** How much worse than the last run a figure may be. Data, since resident memory of so few users, and the code of V8, are mostly noise. */
const rules: Readonly<Record<string, readonly Rule[]>> = {
  density: [{ key: 'data_bytes_per_user', most: 1.15 }],
  actors: [{ key: 'heap_bytes_per_actor_hibernated', most: 1.15 }],
  throughput: [{ key: 'cpu_ratio_to_floor', most: 1.25 }],
  latency: [
    // In a calm hour and in one when other programs empty the caches the same build lay 1.3 apart: the relay's message then is dearer, too.
    { key: 'lone_cpu_ratio_2000', most: 1.5 },
    { key: 'lone_cpu_ratio_300', most: 1.5 },
    // The tail of a few seconds: what it tells is that something waits which did not wait before.
    { key: 'delivered_p99_ms_2000', beyond: 'floor_delivered_p99_ms_2000', most: 2 },
    { key: 'delivered_p99_ms_300', beyond: 'floor_delivered_p99_ms_300', most: 2 },
  ],
  // On a disk the search ends where the disk's tail reaches 10 ms: at 300, at 500 and at 1,000 in three hours of the same build.
  // With the data in memory it ends where the node's own code does.
  'latency in memory': [{ key: 'max_rate_p99_10ms', least: 0.5 }],
  fanout: [{ key: 'cpu_ratio_to_floor', most: 1.25 }],
}
/** What other programs of the machine do, and of its host, can only make a figure worse: the best of three tries counts. */
const tries = 3

const path = 'bench/results/short.json'
// As many users as are far from a doubling of any table.
const options = readBench(['all', '--users', '5000', '--seconds', '4', '--actors', '50000'])
if (!options) throw new Error('no options')
const server = { is: 'node' } as const
const common = { ...options, inFlight: options['in-flight'], against: undefined }
const climbing = { ...common, rates: [], seconds: 2, loneSeconds: 2 }
const fan = { ...common, members: 128, seconds: 3 }
const runs: Record<string, () => Promise<Figures>> = {
  density: () => densityByClass(server, options, startProgress('density')),
  actors: () => actors(options, startProgress('actors')),
  fanout: async () => (await fanout(server, fan, startProgress('fanout'))).curve[0] ?? {},
  throughput: () => throughput(server, common, startProgress('throughput')),
  latency: () => latency(server, { ...common, rates: lone, seconds: 2, loneSeconds: 6 }, startProgress('latency')),
  'latency in memory': () => inMemory(() => latency(server, climbing, startProgress('latency in memory'))),
}

/** Where the system has a folder in memory, as Linux does, the nodes of `run` have their data there. */
async function inMemory<T>(run: () => Promise<T>): Promise<T> {
  const folder = '/dev/shm'
  if (!existsSync(folder)) return await run()
  const before = process.env['TMPDIR']
  process.env['TMPDIR'] = folder
  try {
    return await run()
  } finally {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  }
}

const saving = process.argv.indexOf('--save')
if (saving < 0) await check()
else await save(process.argv.slice(saving + 1))

/**
 * Makes this machine's figures the ones to compare with: of three runs the one in the middle, since one alone may be far off.
 * Other programs make the relay dearer, too: with them a ratio is too low, and the next quiet run would fail for it.
 */
async function save(names: string[]): Promise<void> {
  const saved = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  for (const [bench, [first]] of Object.entries(rules)) {
    if (names.length > 0 && !names.includes(bench)) continue
    const three: Figures[] = []
    while (three.length < 3) three.push((await runs[bench]?.()) ?? {})
    const figure = (run: Figures) => Number(run[first?.key ?? ''])
    const middle = three.toSorted((one, other) => figure(one) - figure(other))[1] ?? {}
    const others = othersIn(bench, middle)
    if (others) throw new Error(`${others}; nothing is saved: try again when the machine does nothing else`)
    saved[bench] = middle
  }
  writeFileSync(path, `${JSON.stringify({ ...saved, date: new Date().toISOString(), machine: machine() }, null, 2)}\n`)
}

async function check(): Promise<void> {
  const base = JSON.parse(readFileSync(path, 'utf8')) as Record<string, Figures>
  for (const [bench, some] of Object.entries(rules)) {
    const done: Figures[] = []
    const verdicts = () => some.map((rule) => verdictOn(rule, base[bench] ?? {}, done))
    do done.push((await runs[bench]?.()) ?? {})
    while (done.length < tries && verdicts().some(({ worse }) => worse))
    for (const { worse, text } of verdicts()) {
      if (worse) process.exitCode = 1
      console.log(`${worse ? 'WORSE' : 'ok   '} ${bench} ${text}`)
    }
  }
}
