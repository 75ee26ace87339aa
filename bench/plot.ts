/** Plots as SVG: bars and lines, enough for the report and the README. */
const size = { width: 640, height: 280, left: 80, right: 150, top: 34, bottom: 44 }
const colours = ['#2563eb', '#9ca3af', '#dc2626', '#16a34a']

export type Bar = { readonly name: string; readonly value: number }
export type Line = { readonly name: string; readonly points: readonly (readonly [x: number, y: number])[] }

const text = (x: number, y: number, what: string, anchor = 'start', more = ''): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}" ${more}>${escaped(what)}</text>`

const escaped = (what: string) => what.replace(/&/g, '&amp;').replace(/</g, '&lt;')
const short = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toLocaleString('en', { maximumFractionDigits: 2 })

function frame(title: string, inside: string, height: number): string {
  const { width } = size
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12" fill="#374151"><title>${title}</title><rect width="100%" height="100%" fill="#fff"/>${text(12, 20, title, 'start', 'font-size="14" font-weight="bold"')}${inside}</svg>`
}

/** Horizontal bars, each with its value. */
export function bars(title: string, rows: readonly Bar[]): string {
  const most = Math.max(...rows.map(({ value }) => value), 1e-9)
  const label = 220
  const room = size.width - label - 90
  const drawn = rows.map(({ name, value }, n) => {
    const y = size.top + 10 + n * 28
    const length = Math.max(1, (Math.max(0, value) / most) * room)
    return `${text(label - 8, y + 14, name, 'end')}<rect x="${label}" y="${y}" width="${length.toFixed(1)}" height="20" fill="${colours[n % 2]}"/>${text(label + length + 6, y + 14, short(value))}`
  })
  return frame(title, drawn.join(''), size.top + 20 + rows.length * 28)
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
    return `<line x1="${left}" x2="${width - right}" y1="${y}" y2="${y}" stroke="#e5e7eb"/>${text(left - 6, Number(y) + 4, short(value), 'end')}${text(px(share * mostX), height - bottom + 16, short(share * mostX), 'middle')}`
  })
  const drawn = series.map(({ name, points }, n) => {
    const path = points.map(([x, y]) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`).join(' ')
    const [, last = 0] = points.at(-1) ?? []
    return `<polyline points="${path}" fill="none" stroke="${colours[n]}" stroke-width="2"/>${text(width - right + 8, Math.min(height - bottom, py(last)) + 4, name, 'start', `style="fill:${colours[n]}"`)}`
  })
  const axes = `${text((left + width - right) / 2, height - 8, xName, 'middle')}${text(14, top + 2, yName)}`
  return frame(title, grid.join('') + drawn.join('') + axes, height)
}
