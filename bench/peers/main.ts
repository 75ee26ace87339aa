/**
 * `npm run bench -- peers`: other servers that carry messages, under the same load as Bluetick and bare relays, one after the
 * other and that several times; prints one table. Only in the repository: the package has no use for it.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { machine } from '../machine.ts'
import { median } from '../runs.ts'
import type { Figures } from '../table.ts'
import { durations, type Load, measure, type Subject } from './measure.ts'
import { peers } from './servers.ts'
import { markdown, type Row } from './table.ts'

const help = `npm run bench -- peers [options]: the same load for Bluetick, other servers and bare relays, told how durable each is.
  --rounds N     how often each is measured, in turn; figures are medians (3)
  --seconds N    seconds of each load: a closed loop, 2,000 and 300 messages a second (${durations.seconds})
  --only NAMES   only those whose name has one of these in it, like socket,nats
  --json FILE    the figures`

export async function peersBench(args: readonly string[]): Promise<void> {
  const text = { type: 'string' } as const
  const options = { rounds: text, seconds: text, only: text, json: text, help: { type: 'boolean' } } as const
  const { values } = parseArgs({ args: [...args], options })
  if (values.help) return console.log(help)
  const load: Load = {
    pairs: 200,
    inFlight: 8,
    body: 200,
    generators: 2,
    seconds: Number(values.seconds ?? durations.seconds),
  }
  const { subjects, absent } = prepared(values.only?.toLowerCase().split(','))
  const runs = new Map<Subject, Figures[]>(subjects.map((subject) => [subject, []]))
  for (let round = 0; round < Number(values.rounds ?? 3); round++) {
    for (const [subject, done] of runs) {
      console.error(`round ${round + 1}: ${subject.name} ...`)
      done.push(await measure(subject, load))
    }
  }
  const rows: Row[] = [...runs].map(([{ name, durable, configuration, version }, done]) => ({
    name,
    durable,
    configuration,
    version,
    ...median(done),
  }))
  const result = { date: new Date().toISOString(), machine: machine(), load, rows, absent }
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`)
  console.log(markdown(result))
}

/** What no server can go below, with and without a disk. */
const floors: readonly Subject[] = [
  {
    name: 'relay that writes',
    durable: 'yes, but nobody can read it again',
    configuration: 'uWebSockets.js, and one O_DSYNC write for what came in a turn of the event loop',
    version: '',
    is: 'durable',
  },
  { name: 'bare relay', durable: 'stores nothing', configuration: 'uWebSockets.js alone', version: '', is: 'floor' },
]

/** Those that can be measured here, Bluetick first and the relays last; of the others what is missing. */
function prepared(only: readonly string[] | undefined) {
  const absent: { name: string; why: string }[] = []
  const subjects: Subject[] = [
    {
      name: 'Bluetick',
      durable: 'yes, before the first tick',
      configuration: 'embedded store, limits raised as for all benchmarks',
      version: '',
      is: 'node',
    },
  ]
  for (const peer of peers.filter(({ name }) => !only || only.some((part) => name.toLowerCase().includes(part)))) {
    try {
      subjects.push({ ...peer, is: 'peer', version: peer.prepare() })
    } catch (error) {
      absent.push({ name: peer.name, why: (error as Error).message })
    }
  }
  return { subjects: [...subjects, ...floors], absent }
}
