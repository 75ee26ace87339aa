/** What a run proves wrong, and what one should know before trusting its figures. */
import type { Name } from './options.ts'
import type { Figures } from './table.ts'

/** A generator that used more of its core than this may have been what was slow. */
const busyShare = 0.9
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
