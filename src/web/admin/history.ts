/** What was measured in the last ten minutes, as plots show it. */
import { quantile, type Reading, rate } from './metrics.ts'

type Line = {
  readonly label: string
  /** What it is called where it stands alone. */
  readonly name: string
  /** Null: there is nothing to show. */
  readonly of: (now: Reading, before: Reading) => number | null
}
export type Plot = { readonly title: string; readonly unit: string; readonly lines: readonly Line[] }

const perSecond = (label: string, name: string, counter: string): Line => ({
  label,
  name,
  of: (now, before) => rate(before, now, counter),
})
const appendMs = (label: string, share: number): Line => ({
  label,
  name: `Durable, ${label}`,
  of: (now, before) => {
    const seconds = quantile(before, now, 'bluetick_append_seconds', share)
    return seconds === null ? null : seconds * 1_000
  },
})

export const plots: readonly Plot[] = [
  {
    title: 'Connections',
    unit: '',
    lines: [{ label: 'open', name: 'Connections', of: (now) => now.sum('bluetick_sessions') }],
  },
  {
    title: 'Messages and receipts',
    unit: '/s',
    lines: [
      perSecond('messages', 'Messages', 'bluetick_messages_accepted_total'),
      perSecond('receipts', 'Receipts', 'bluetick_receipts_total'),
    ],
  },
  {
    title: 'Refused',
    unit: '/s',
    lines: [
      perSecond('frames', 'Refused frames', 'bluetick_refused_frames_total'),
      perSecond('connections', 'Refused connections', 'bluetick_refused_connections_total'),
    ],
  },
  { title: 'Until it is durable', unit: ' ms', lines: [appendMs('half within', 0.5), appendMs('99 % within', 0.99)] },
  {
    title: 'The event loop is late',
    unit: ' ms',
    lines: [
      {
        label: '99 % less than',
        name: 'Event loop, 99 % within',
        of: (now) => now.sum('nodejs_eventloop_lag_p99_seconds') * 1_000,
      },
    ],
  },
  {
    title: 'Memory',
    unit: ' MB',
    lines: [{ label: 'resident', name: 'Memory', of: (now) => now.sum('process_resident_memory_bytes') / 1e6 }],
  },
]

/** Seconds between readings, and for how long they are kept. */
export const everySeconds = 2
export const keptSeconds = 600

export class History {
  #last: Reading | undefined
  readonly #times: number[] = []
  readonly #values: (number | null)[][][] = plots.map(({ lines }) => lines.map(() => []))

  /** `time`: seconds since 1970. */
  add(now: Reading, time: number): void {
    const before = this.#last ?? now
    this.#last = now
    this.#times.push(time)
    for (const [plot, { lines }] of plots.entries())
      for (const [line, { of }] of lines.entries()) this.#values[plot]?.[line]?.push(of(now, before))
    if (this.#times.length <= keptSeconds / everySeconds) return
    for (const column of [this.#times, ...this.#values.flat()]) column.shift()
  }

  /** The times, and a column for each line. */
  columns(plot: number): [number[], ...(number | null)[][]] {
    return [this.#times, ...(this.#values[plot] ?? [])]
  }

  latest(plot: number, line: number): number | null {
    return this.#values[plot]?.[line]?.at(-1) ?? null
  }
}
