/**
 * `npm run bench:check`: repeats the short form, and compares what does not depend on the machine's speed with
 * bench/results/short.json, which `npm run bench:check -- --save` writes.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { actors } from './actors.ts'
import { density } from './density.ts'
import { fanout } from './fanout.ts'
import { machine } from './machine.ts'
import { readBench } from './options.ts'
import { startProgress } from './progress.ts'
import type { Figures } from './table.ts'
import { throughput } from './throughput.ts'

type Rule = { readonly bench: string; readonly key: string; readonly most: number }

/** How much worse than the last run a figure may be. Heap, since resident memory of so few users is mostly noise. */
const rules: readonly Rule[] = [
  { bench: 'density', key: 'node_heap_bytes_per_user', most: 1.15 },
  { bench: 'actors', key: 'heap_bytes_per_actor_hibernated', most: 1.15 },
  { bench: 'throughput', key: 'cpu_ratio_to_floor', most: 1.25 },
  { bench: 'fanout', key: 'cpu_ratio_to_floor', most: 1.25 },
]
/** What other programs of the machine do, and of its host, can only make a figure worse: the best of three tries counts. */
const tries = 3

const path = 'bench/results/short.json'
const options = readBench(['all', '--users', '8000', '--soak', '1', '--seconds', '4', '--actors', '50000'])
if (!options) throw new Error('no options')
const server = { is: 'node' } as const
const fan = { ...options, members: 128, inFlight: options['in-flight'], seconds: 3 }
const runs: Record<string, () => Promise<Figures>> = {
  density: () => density(server, { ...options, mixSeconds: 0 }, startProgress('density')),
  actors: () => actors(options, startProgress('actors')),
  fanout: async () => (await fanout(server, fan, startProgress('fanout'))).curve[0] ?? {},
  throughput: () => throughput(server, { ...options, inFlight: options['in-flight'] }, startProgress('throughput')),
}

if (process.argv.includes('--save')) await save()
else await check()

/** Makes this machine's figures the ones to compare with: of three runs the one in the middle, since one alone may be far off. */
async function save(): Promise<void> {
  const saved: Record<string, unknown> = { date: new Date().toISOString(), machine: machine() }
  for (const { bench, key } of rules) {
    const three: Figures[] = []
    while (three.length < 3) three.push((await runs[bench]?.()) ?? {})
    saved[bench] = three.toSorted((one, other) => Number(one[key]) - Number(other[key]))[1]
  }
  writeFileSync(path, `${JSON.stringify(saved, null, 2)}\n`)
}

async function check(): Promise<void> {
  const base = JSON.parse(readFileSync(path, 'utf8')) as Record<string, Figures>
  for (const { bench, key, most } of rules) {
    const before = Number(base[bench]?.[key])
    let best = Number.POSITIVE_INFINITY
    for (let run = 0; run < tries && best > before * most; run++)
      best = Math.min(best, Number((await runs[bench]?.())?.[key]))
    const worse = !(best <= before * most)
    if (worse) process.exitCode = 1
    console.log(
      `${worse ? 'WORSE' : 'ok   '} ${bench} ${key}: ${best.toFixed(2)}, was ${before.toFixed(2)}, at most ${(before * most).toFixed(2)}`,
    )
  }
}
