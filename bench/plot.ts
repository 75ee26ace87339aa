/** Plots as SVG: bars and lines, enough for the report and the README. */
const size = { width: 520, height: 270, left: 64, right: 116, top: 50, bottom: 44 }
const barsTop = 40
const colours = ['#2563eb', '#9ca3af', '#dc2626', '#16a34a']
/** By the reader's own choice, also where the picture stands alone. */
const style =
  '<style>.ink{fill:#374151}.page{fill:#fff}.grid{stroke:#e5e7eb}@media (prefers-color-scheme:dark){.ink{fill:#d1d5db}.page{fill:#111827}.grid{stroke:#374151}}</style>'

export type Bar = { readonly name: string; readonly value: number }
export type Line = { readonly name: string; readonly points: readonly (readonly [x: number, y: number])[] }

const text = (x: number, y: number, what: string, anchor = 'start', more = ''): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}" ${more}>${escaped(what)}</text>`

const escaped = (what: string) => what.replace(/&/g, '&amp;').replace(/</g, '&lt;')
const short = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toLocaleString('en', { maximumFractionDigits: 2 })

function frame(title: string, inside: string, height: number): string {
  const { width } = size
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12" class="ink"><title>${escaped(title)}</title>${style}<rect width="100%" height="100%" class="page"/>${text(12, 20, title, 'start', 'font-size="14" font-weight="bold"')}${inside}</svg>`
}

/** Horizontal bars, each with its value. */
export function bars(title: string, rows: readonly Bar[]): string {
  const most = Math.max(...rows.map(({ value }) => value), 1e-9)
  const label = 190
  const room = size.width - label - 70
  const drawn = rows.map(({ name, value }, n) => {
    const y = barsTop + n * 28
    const length = Math.max(1, (Math.max(0, value) / most) * room)
    return `${text(label - 8, y + 14, name, 'end')}<rect x="${label}" y="${y}" width="${length.toFixed(1)}" height="20" fill="${colours[n % 2]}"/>${text(label + length + 6, y + 14, short(value))}`
  })
  return frame(title, drawn.join(''), barsTop + 10 + rows.length * 28)
}

/** Lines over a common x axis, both axes from zero; `log`: y by powers of ten. */
export function lines(title: string, xName: string, yName: string, series: readonly Line[], log = false): string {
  const { width, height, left, right, top, bottom } = size
  const all = series.flatMap(({ points }) => points)
  const mostX = Math.max(...all.map(([x]) => x), 1e-9)
  const ys = all.map(([, y]) => y).filter((y) => y > 0)
  const [low, high] = log
    ? [Math.log10(Math.min(...ys, 1)), Math.log10(Math.max(...ys, 10))]
    : [0, Math.max(...ys, 1e-9)]
  const px = (x: number) => left + (x / mostX) * (width - left - right)
  const py = (y: number) =>
    height - bottom - (((log ? Math.log10(Math.max(y, 1e-9)) : y) - low) / (high - low || 1)) * (height - top - bottom)
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = low + share * (high - low)
    const value = log ? 10 ** at : at
    const y = py(value).toFixed(1)
    return `<line x1="${left}" x2="${width - right}" y1="${y}" y2="${y}" class="grid"/>${text(left - 6, Number(y) + 4, short(value), 'end')}${text(px(share * mostX), height - bottom + 16, short(share * mostX), 'middle')}`
  })
  const labels = apart(series.map(({ points }) => Math.min(height - bottom, py(points.at(-1)?.[1] ?? 0))))
  const drawn = series.map(({ name, points }, n) => {
    const path = points.map(([x, y]) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`).join(' ')
    return `<polyline points="${path}" fill="none" stroke="${colours[n]}" stroke-width="2"/>${text(width - right + 8, (labels[n] ?? 0) + 4, name, 'start', `style="fill:${colours[n]}"`)}`
  })
  const axes = `${text((left + width - right) / 2, height - 8, xName, 'middle')}${text(12, top - 12, yName)}`
  return frame(title, grid.join('') + drawn.join('') + axes, height)
}

/** The same heights, in their order, with room for a line of text between each and the next. */
function apart(heights: readonly number[]): number[] {
  const line = 14
  const order = heights.map((_, n) => n).sort((a, b) => (heights[a] ?? 0) - (heights[b] ?? 0))
  const moved = [...heights]
  for (const [at, n] of order.entries()) {
    const above = order[at - 1]
    if (above !== undefined) moved[n] = Math.max(moved[n] ?? 0, (moved[above] ?? 0) + line)
  }
  return moved
}
