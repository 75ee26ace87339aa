/** `npm run bench:publish`: the table and the picture of the README, and the tables of docs/benchmarks.md, from bench/results/full.json and peers.json. */
import { readFileSync, writeFileSync } from 'node:fs'
import { type Comparison, markdown } from './peers/table.ts'
import { memory } from './report.ts'
import { type Figures, number } from './table.ts'

type Full = Record<'density' | 'throughput' | 'latency' | 'fanout' | 'replay' | 'actors', Figures> & {
  readonly date: string
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string }
}
const full = JSON.parse(readFileSync('bench/results/full.json', 'utf8')) as Full
const { density, throughput, latency, fanout, replay, actors, machine, date } = full
const rates = (latency['rates'] ?? []) as Figures[]
const quiet = rates.find((row) => row['rate'] === 300) ?? {}
const busy = rates.find((row) => row['rate'] === 2_000) ?? {}
const large = ((fanout['curve'] ?? []) as Figures[]).find((row) => row['members'] === 1_024 && row['online']) ?? {}

const row = (what: string, from: Figures, key: string, unit: string, target: string, scale = 1) => {
  const range = (from['ranges'] as Record<string, [number, number]> | undefined)?.[key]
  const value = (n: number) => `${number(n * scale)}${unit}`
  const median = value(Number(from[key] ?? 0))
  return { key, what, median, range: range ? `${value(range[0])} to ${value(range[1])}` : '', target }
}

const measured = `${date.slice(0, 10)}, ${machine.cores} cores of ${machine.cpu}, Node ${machine.node}`
const rows = [
  row(
    `resident memory of an idle connected user, ${number(Number(density['users']))} users`,
    density,
    'node_rss_bytes_per_user',
    ' B',
    '1,000 B',
  ),
  row('the same, as a multiple of a bare uWebSockets.js socket', density, 'ratio_to_floor', ' ×', '2 ×'),
  row('kernel memory of its socket', density, 'kernel_bytes_per_user', ' B', ''),
  row('CPU of that idle node, heartbeats on', density, 'idle_cpu_share', ' %', '2 % of a core', 100),
  row('the same of the bare server', density, 'floor_idle_cpu_share', ' %', '', 100),
  row(
    `hibernated user without a socket, ${number(Number(actors['actors']))} of them`,
    actors,
    'bytes_per_actor_hibernated',
    ' B',
    '250 B',
  ),
  row('garbage collection beside them, p99', actors, 'gc_p99_ms', ' ms', '50 ms'),
  row(
    'messages per second, 200 pairs: sent, durable, delivered, acknowledged, receipt',
    throughput,
    'messages_per_second',
    '',
    '',
  ),
  row(
    'CPU of such a message, as a multiple of a bare relay that stores nothing',
    throughput,
    'cpu_ratio_to_floor',
    ' ×',
    '4 ×',
  ),
  row('CPU of a message at a steady 2,000 a second', busy, 'node_cpu_us_per_message', ' µs', ''),
  row(
    'CPU of a message at 2,000 a second, as a multiple of the relay at that rate',
    latency,
    'lone_cpu_ratio_2000',
    ' ×',
    '2.5 ×',
  ),
  row('the same of a relay that writes each message to the disk', busy, 'durable_cpu_ratio_to_floor', ' ×', ''),
  row('CPU of a message at a steady 300 a second', quiet, 'node_cpu_us_per_message', ' µs', ''),
  row(
    'CPU of a message at 300 a second, as a multiple of the relay at that rate',
    latency,
    'lone_cpu_ratio_300',
    ' ×',
    '4 ×',
  ),
  row('the same of a relay that writes each message to the disk', quiet, 'durable_cpu_ratio_to_floor', ' ×', ''),
  row('sent to delivered receipt at 2,000 messages a second, p99', busy, 'delivered_p99_ms', ' ms', '5 ms'),
  row('the same of the bare relay', busy, 'floor_delivered_p99_ms', ' ms', ''),
  row('the same of the relay that writes', busy, 'durable_delivered_p99_ms', ' ms', ''),
  row('sent to delivered receipt at 300 messages a second, p99', quiet, 'delivered_p99_ms', ' ms', '5 ms'),
  row('the same of the bare relay', quiet, 'floor_delivered_p99_ms', ' ms', ''),
  row('the same of the relay that writes', quiet, 'durable_delivered_p99_ms', ' ms', ''),
  row(
    'messages per second up to which the p99 of the delivered receipt is within 10 ms',
    latency,
    'max_rate_p99_10ms',
    '',
    '8,000',
  ),
  row('the same of the relay that writes', latency, 'durable_max_rate_p99_10ms', '', ''),
  row('copies per second to a group of 1,024 who are all online', large, 'deliveries_per_second', '', ''),
  row('CPU of such a copy, as a multiple of a bare relay that stores nothing', large, 'cpu_ratio_to_floor', ' ×', ''),
  row('replay to one device, entries per second', replay, 'entries_per_second', '', '100,000'),
  row(
    `${number(Number(replay['devices']))} devices that resume with 10 entries each`,
    replay,
    'storm_seconds',
    ' s',
    '10 s',
  ),
]

/** What somebody asks first. */
const first = [
  'node_rss_bytes_per_user',
  'bytes_per_actor_hibernated',
  'messages_per_second',
  'lone_cpu_ratio_2000',
  'deliveries_per_second',
  'entries_per_second',
]
const brief = rows.filter(({ key }) => first.includes(key)).map(({ what, median }) => `| ${what} | ${median} |`)
const whole = rows.map(({ what, median, range, target }) => `| ${what} | ${median} | ${range} | ${target} |`)

const picture = (docs: string) => `![Memory of an idle connected user](${docs}benchmarks.svg)`

publish('README.md', 'bench', [`| ${measured} | median |`, '|---|---|', ...brief, '', picture('docs/')])
publish('docs/benchmarks.md', 'bench', [
  `| ${measured} | median | range | target |`,
  '|---|---|---|---|',
  ...whole,
  '',
  picture(''),
])
publish('docs/benchmarks.md', 'peers', [
  markdown(JSON.parse(readFileSync('bench/results/peers.json', 'utf8')) as Comparison),
])
writeFileSync('docs/benchmarks.svg', memory(density))

function publish(page: string, mark: string, lines: readonly string[]): void {
  const table = `<!-- ${mark}: made by npm run bench:publish -->\n${lines.join('\n')}\n<!-- /${mark} -->`
  const before = readFileSync(page, 'utf8')
  writeFileSync(
    page,
    before.replace(new RegExp(`<!-- ${mark}:[\\s\\S]*<!-- /${mark} -->`), () => table),
  )
}
