/** Figures as text. */
import type { Machine } from './machine.ts'
import type { Name } from './options.ts'

/** What a benchmark measured, by the names that the JSON has. */
export type Figures = { readonly [key: string]: unknown }

/** What a run writes as JSON: the figures of one benchmark, or with `all` those of each by name. */
export type Result = {
  readonly date: string
  readonly command: string
  readonly machine: Machine
  readonly results: Partial<Record<Name, Figures>>
}

export function table({ date, command, machine, results }: Result): string {
  const { cpu, cores, memory_bytes, kernel, node, packages } = machine
  const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`)
  return [
    command,
    `${date}; ${cpu}, ${cores} cores, ${(memory_bytes / 2 ** 30).toFixed(1)} GiB, Linux ${kernel}, Node ${node}, ${versions.join(', ')}`,
    ...Object.entries(results).flatMap(([name, figures]) => ['', name, ...rows(figures)]),
  ].join('\n')
}

function rows(figures: Figures): string[] {
  const plain = Object.entries(figures).filter(([, value]) => typeof value === 'number') as [string, number][]
  const width = Math.max(0, ...plain.map(([key]) => key.length))
  const ranges = (figures['ranges'] ?? {}) as Record<string, [number, number] | undefined>
  const lines = plain.map(([key, value]) => {
    const range = ranges[key]
    return `  ${key.padEnd(width)}  ${number(value)}${range ? `   (${number(range[0])} to ${number(range[1])})` : ''}`
  })
  return [...lines, ...Object.values(figures).flatMap(grid)]
}

/** A list of figures, a column each. */
function grid(list: unknown): string[] {
  if (!isGrid(list)) return []
  const keys = [...new Set(list.flatMap((row) => Object.keys(row).filter((key) => isFigure(row[key]))))]
  const cells = keys.map((key) => [key, ...list.map((row) => cell(row[key]))])
  const widths = ['', ...list].map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const padded = (text: string, n: number) => (n === 0 ? text.padEnd(widths[n] ?? 0) : text.padStart(widths[n] ?? 0))
  return cells.map((row) => `  ${row.map(padded).join('  ')}`)
}

const isFigure = (value: unknown): boolean => typeof value === 'number' || typeof value === 'boolean'

export const isGrid = (value: unknown): value is readonly Figures[] =>
  Array.isArray(value) && typeof value[0] === 'object'

const cell = (value: unknown): string =>
  typeof value === 'number' ? number(value) : value === undefined ? '' : value ? 'yes' : 'no'

export function number(value: number): string {
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
