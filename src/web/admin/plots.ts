/** Draws the plots. */
import Plotted from 'uplot'
import { make } from '../dom.ts'
import { type History, keptSeconds, type Plot, plots } from './history.ts'

const height = 160
const words = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 })

export const inWords = (value: number | null | undefined, unit: string): string =>
  value === null || value === undefined ? '–' : `${words.format(value)}${unit}`

/** Answers what draws them anew. */
export function drawPlots(into: HTMLElement, history: History): () => void {
  const drawn = plots.map((plot, at) => {
    const figure = make('figure', 'plot', make('figcaption', '', plot.title))
    into.append(figure)
    const chart = new Plotted(options(plot, figure.clientWidth), history.columns(at) as Plotted.AlignedData, figure)
    new ResizeObserver(() => chart.setSize({ width: figure.clientWidth, height })).observe(figure)
    return chart
  })
  // The colours of a canvas are its own.
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const chart of drawn) chart.redraw()
  })
  return () => {
    for (const [at, chart] of drawn.entries()) chart.setData(history.columns(at) as Plotted.AlignedData)
  }
}

const timeOf = (seconds: number): string =>
  new Date(seconds * 1_000).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })

const colour = (name: string) => () => getComputedStyle(document.documentElement).getPropertyValue(name)

const options = ({ unit, lines }: Plot, width: number): Plotted.Options => ({
  width,
  height,
  cursor: { y: false },
  legend: { show: lines.length > 1 },
  // Right of the plot there is room for half of a time.
  padding: [null, 32, null, null],
  // Also while less than that was measured.
  scales: {
    x: { range: (_chart, _first, last) => [last - keptSeconds, last] },
    y: { range: (_chart, _least, most) => [0, Math.max(1, most * 1.1)] },
  },
  axes: [
    {
      stroke: colour('--soft'),
      grid: { stroke: colour('--line') },
      ticks: { show: false },
      size: 30,
      values: (_chart, seconds) => seconds.map(timeOf),
    },
    {
      stroke: colour('--soft'),
      grid: { stroke: colour('--line') },
      ticks: { show: false },
      size: 60,
      values: (_chart, values) => values.map((value) => inWords(value, unit)),
    },
  ],
  series: [
    { label: 'at', value: (_chart: Plotted, seconds: number | null) => (seconds === null ? '–' : timeOf(seconds)) },
    ...lines.map(({ label }, at) => ({
      label,
      stroke: colour(`--plot-${at + 1}`),
      width: 2,
      value: (_chart: Plotted, value: number | null) => inWords(value, unit),
    })),
  ],
})
