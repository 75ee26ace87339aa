import { describe, expect, it } from 'vitest'
import { mutants } from './ownership/mutants.ts'
import { play } from './ownership/play.ts'

const runs = Number(process.env['SIMULATION_RUNS'] ?? 300)
/** Other worlds in each run, but the same ones in CI, so that what breaks there is what was changed. A world that breaks names its seed. */
const seed = process.env['SIMULATION_SEED'] ?? (process.env['CI'] ? 1 : Math.trunc(performance.timeOrigin % 1e9))
const first = Number(seed)

it('no shard has two owners, nothing that was sent is lost, and all is owned again, whatever goes wrong', () => {
  const sum = { sent: 0, moves: 0, deaths: 0 }
  for (let seed = first; seed < first + runs; seed++) {
    const { counts } = play(seed)
    for (const key of ['sent', 'moves', 'deaths'] as const) sum[key] += counts[key]
  }
  console.log(`${runs} worlds from seed ${first}:`, sum)
  expect(sum.deaths, 'some die').toBeGreaterThan(runs / 10)
  expect(sum.moves, 'shards move').toBeGreaterThan(runs)
})

/** Each of these breaks one world in 50 or more. */
const enough = 400

describe('a world breaks where', () => {
  it.each(Object.entries(mutants))('%s', (_, mutant) => {
    const all = () => {
      for (let seed = 1; seed <= enough; seed++) play(seed, mutant)
    }
    expect(all).toThrow(/^seed/)
  })
})
