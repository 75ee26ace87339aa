/** What `GET /metrics` answers, read: names, labels and values (https://prometheus.io/docs/instrumenting/exposition_formats). */

type Sample = { readonly labels: ReadonlyMap<string, string>; readonly value: number }

export class Reading {
  /** Milliseconds, as `performance.now()` has them. */
  readonly at: number
  readonly #samples = new Map<string, Sample[]>()

  constructor(text: string, at: number) {
    this.at = at
    for (const line of text.split('\n')) {
      const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line) ?? []
      if (!name) continue
      const sample = { labels: labelsOf(labels), value: numberOf(value ?? '') }
      this.#samples.set(name, [...(this.#samples.get(name) ?? []), sample])
    }
  }

  /** Of all labels together; 0 where there is none. */
  sum(name: string): number {
    return (this.#samples.get(name) ?? []).reduce((sum, { value }) => sum + value, 0)
  }

  by(name: string, label: string): ReadonlyMap<string, number> {
    return new Map((this.#samples.get(name) ?? []).map(({ labels, value }) => [labels.get(label) ?? '', value]))
  }
}

function labelsOf(text: string): ReadonlyMap<string, string> {
  const found = text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)
  return new Map([...found].map(([, name = '', value = '']) => [name, value.replace(/\\(.)/g, unescaped)]))
}

const unescaped = (_: string, letter: string): string => (letter === 'n' ? '\n' : letter)
const numberOf = (text: string): number => (text === '+Inf' ? Number.POSITIVE_INFINITY : Number(text))

/** How much of a counter came a second; null: nobody knows, since the node has started anew meanwhile. */
export function rate(before: Reading, now: Reading, name: string): number | null {
  const [came, seconds] = [now.sum(name) - before.sum(name), (now.at - before.at) / 1_000]
  return came < 0 || seconds <= 0 ? null : came / seconds
}

/** What a share of those of a histogram did not exceed that came between; null: none came. Within a bucket they are taken to lie evenly. */
export function quantile(before: Reading, now: Reading, name: string, share: number): number | null {
  const earlier = before.by(`${name}_bucket`, 'le')
  const buckets = [...now.by(`${name}_bucket`, 'le')]
    .map(([le, count]) => ({ le: numberOf(le), count: count - (earlier.get(le) ?? 0) }))
    .sort((a, b) => a.le - b.le)
  const all = buckets.at(-1)?.count ?? 0
  if (!(all > 0)) return null
  const wanted = all * share
  const at = buckets.findIndex(({ count }) => count >= wanted)
  const { le, count } = buckets[at] as (typeof buckets)[number]
  const below = buckets[at - 1] ?? { le: 0, count: 0 }
  if (le === Number.POSITIVE_INFINITY) return below.le
  return below.le + ((le - below.le) * (wanted - below.count)) / (count - below.count)
}
