/** How much worse than before a figure may be. */
import type { Figures } from './table.ts'

/** `beyond`: what counts is how far the figure lies above this other one. `most` and `least` are multiples of what was. */
export type Rule = { readonly key: string; readonly beyond?: string } & (
  | { readonly most: number }
  | { readonly least: number }
)

export type Verdict = { readonly worse: boolean; readonly text: string }

/** The best of what several runs came to, beside what was. */
export function verdictOn(rule: Rule, base: Figures, runs: readonly Figures[]): Verdict {
  const { key, beyond } = rule
  const figure = (run: Figures) => Number(run[key]) - (beyond ? Number(run[beyond]) : 0)
  const before = figure(base)
  const all = runs.map(figure)
  const best = 'most' in rule ? Math.min(...all) : Math.max(...all)
  const bound = before * ('most' in rule ? rule.most : rule.least)
  const good = 'most' in rule ? best <= bound : best >= bound
  const name = beyond ? `${key} beyond ${beyond}` : key
  const limit = `${'most' in rule ? 'at most' : 'at least'} ${bound.toFixed(2)}`
  return { worse: !good, text: `${name}: ${best.toFixed(2)}, was ${before.toFixed(2)}, ${limit}` }
}
