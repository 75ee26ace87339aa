/** Several runs as one: of each figure the median, and how far the runs lie apart. */
import { type Figures, isGrid } from './table.ts'

/** What proves a run wrong counts from every run. */
const faults = ['lost', 'duplicated', 'disordered', 'unconfirmed']

/** Two rows with the same of these are of one kind: a run may have more rows than another. */
const kinds = ['rate', 'members', 'online', 'nodes', 'homed']

function alike(rows: readonly Figures[]): Figures[][] {
  const groups = new Map<string, Figures[]>()
  for (const row of rows) {
    const kind = kinds.map((key) => String(row[key])).join()
    groups.set(kind, [...(groups.get(kind) ?? []), row])
  }
  return [...groups.values()]
}

export function median(runs: readonly Figures[]): Figures {
  const [first] = runs
  if (!first || runs.length === 1) return first ?? {}
  const merged: Record<string, unknown> = {}
  const ranges: Record<string, [number, number]> = {}
  for (const [key, value] of Object.entries(first)) {
    const values = runs.map((run) => run[key])
    if (key === 'failures') merged[key] = values.flat()
    else if (isGrid(value)) merged[key] = alike(values.flatMap((rows) => rows as Figures[])).map(median)
    else if (typeof value !== 'number') merged[key] = value
    else {
      // What a run has not counted has not happened in it.
      const sorted = values.map((value) => Number(value ?? 0)).sort((a, b) => a - b)
      ranges[key] = [sorted[0] as number, sorted.at(-1) as number]
      merged[key] = faults.includes(key) ? sorted.at(-1) : sorted[Math.floor((sorted.length - 1) / 2)]
    }
  }
  return { ...merged, runs: runs.length, ranges }
}
