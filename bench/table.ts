/** Figures as text. */
import type { Result } from './main.ts'

export type Figures = { readonly [key: string]: unknown }

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
  return [...lines, ...grid(figures['rates'])]
}

/** A list of figures, a row each. */
function grid(list: unknown): string[] {
  if (!Array.isArray(list) || list.length === 0) return []
  const keys = Object.keys(list[0] as Figures).filter((key) => typeof (list[0] as Figures)[key] === 'number')
  const cells = [keys, ...list.map((row: Figures) => keys.map((key) => number(row[key] as number)))]
  const widths = keys.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  return cells.map((row) => `  ${row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  ')}`)
}

export function number(value: number): string {
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
