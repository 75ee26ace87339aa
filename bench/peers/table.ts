/** One table of all servers, with ratios to Bluetick, as Markdown: what `npm run bench:publish` puts into docs/benchmarks.md. */
import type { Machine } from '../machine.ts'
import { type Figures, number } from '../table.ts'
import type { Load } from './measure.ts'

export type Row = Figures & {
  readonly name: string
  readonly durable: string
  readonly configuration: string
  readonly version: string
}
export type Comparison = {
  readonly date: string
  readonly machine: Machine
  readonly load: Load
  readonly rows: readonly Row[]
  readonly absent: readonly { readonly name: string; readonly why: string }[]
}

export function markdown({ date, machine, load, rows, absent }: Comparison): string {
  const [mine] = rows
  const heads = [
    'server',
    'is *sent* on the disk?',
    'messages/s, closed loop',
    'CPU µs',
    'at 2,000/s: CPU µs',
    'delivered p50 / p99 ms',
    'at 300/s: CPU µs',
    'delivered p50 / p99 ms',
  ]
  return [
    `${date.slice(0, 10)}, ${machine.cores} cores of ${machine.cpu}, Node ${machine.node}; ${load.pairs} pairs, ${load.inFlight} in flight, ${load.body} bytes. In brackets: as a multiple of Bluetick's.`,
    '',
    `| ${heads.join(' | ')} |`,
    `|${heads.map(() => '---|').join('')}`,
    ...rows.map((row) => `| ${cells(row, mine ?? row).join(' | ')} |`),
    '',
    ...rows.map(({ name, version, configuration }) => `- **${name}**${version && ` (${version})`}: ${configuration}.`),
    ...absent.map(({ name, why }) => `- **${name}** was not measured: ${why}.`),
  ].join('\n')
}

function cells(row: Row, mine: Row): string[] {
  const open = [2_000, 300].flatMap((rate) => {
    const [its, ours] = [at(row, rate), at(mine, rate)]
    if (its['held'] !== true) return ['not held', '']
    return [
      beside(its, ours, 'cpu_us_per_message'),
      `${number(Number(its['delivered_p50_ms']))} / ${number(Number(its['delivered_p99_ms']))}`,
    ]
  })
  return [
    row.name,
    row.durable,
    beside(row, mine, 'messages_per_second'),
    beside(row, mine, 'cpu_us_per_message'),
    ...open,
  ]
}

const at = (row: Row, rate: number): Figures =>
  ((row['rates'] ?? []) as Figures[]).find((one) => one['rate'] === rate) ?? {}

const beside = (its: Figures, ours: Figures, key: string): string =>
  `${number(Math.round(Number(its[key])))} (${number(Number(its[key]) / Number(ours[key]))} ×)`
