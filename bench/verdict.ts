/** What a run proves wrong, and what one should know before trusting its figures. */
import type { Name } from './options.ts'
import { type Figures, isGrid, number } from './table.ts'

/** A generator that used more of its core than this may have been what was slow. */
const busyShare = 0.9
/** Of a core, for programs that are no part of the run, and for other machines of the host: more than this shows in the figures. */
const otherShare = 0.1
const stolenShare = 0.02
/** With fewer users than this, what a process takes by the way is more than what they take. */
const manyUsers = 4_000

export function verdict(results: Partial<Record<Name, Figures>>): { wrong: string[]; notes: string[] } {
  const wrong: string[] = []
  const notes: string[] = []
  for (const [name, figures] of Object.entries(results)) {
    for (const fault of ['lost', 'duplicated', 'disordered', 'unconfirmed']) {
      const count = figures[fault]
      if (typeof count === 'number' && count !== 0) wrong.push(`${name}: ${count} messages ${fault}`)
    }
    if (name === 'density' && Number(figures['users']) < manyUsers)
      notes.push(
        `density: resident memory and ratio of so few users are mostly noise; use --users ${manyUsers} or more`,
      )
    notes.push(...disturbed(name, figures))
    const { failures } = figures
    if (Array.isArray(failures) && failures.length > 0) wrong.push(`${name}: ${failures.join('; ')}`)
    for (const [who, share] of [
      ['the node', figures['generator_busiest_share']],
      ['the floor', figures['floor_generator_busiest_share']],
    ] as const) {
      if (typeof share === 'number' && share > busyShare)
        notes.push(
          `${name}: a generator was ${Math.round(share * 100)} % busy against ${who}, and may have been the bottleneck; use more --generators`,
        )
    }
  }
  return { wrong, notes }
}

/** What says that the machine did something else meanwhile. */
function disturbed(name: string, figures: Figures): string[] {
  const slow = rowsOf(figures)
    .filter((row) => row['undisturbed'] === false)
    .map((row) => `${number(Number(row['rate']))}/s ${number(Number(row['floor_delivered_p99_ms']))} ms`)
  const stolen = most(figures, 'steal_share')
  return [
    slow.length > 0
      ? `${name}: the p99 of the relay was above 2 ms, which is 3 ms less than what to ask of the node: ${slow.join(', ')}`
      : '',
    othersIn(name, figures),
    stolen > stolenShare ? `${name}: the host of this machine took up to ${Math.round(stolen * 100)} % of a core` : '',
  ].filter((note) => note !== '')
}

/** What other programs of the machine took, when it shows in the figures; else nothing. */
export function othersIn(name: string, figures: Figures): string {
  const share = most(figures, 'others_cpu_share')
  return share > otherShare ? `${name}: other programs used up to ${Math.round(share * 100)} % of a core` : ''
}

const rowsOf = ({ rates }: Figures): readonly Figures[] => (isGrid(rates) ? rates : [])
const most = (figures: Figures, key: string): number =>
  Math.max(0, ...[figures, ...rowsOf(figures)].map((row) => Number(row[key] ?? 0)))
