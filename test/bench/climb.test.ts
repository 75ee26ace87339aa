import { describe, expect, it } from 'vitest'
import { climb } from '../../bench/climb.ts'

type Who = 'one' | 'other'

/** Climbs where each holds what it holds, but misses `bad` of its first tries at a rate. */
async function climbed(holds: Record<Who, number>, bad: Partial<Record<number, number>> = {}) {
  const tries: [rate: number, who: readonly Who[]][] = []
  const missed = { ...bad }
  const at = async (rate: number, who: readonly Who[]) => {
    tries.push([rate, who])
    const left = missed[rate] ?? 0
    missed[rate] = left - 1
    return left > 0 ? [] : who.filter((name) => rate <= holds[name])
  }
  const largest = await climb(['one', 'other'] as const, (who, rate) => rate <= holds[who], at)
  return { largest: Object.fromEntries(largest), tries }
}

describe('the search for the largest rate', () => {
  it('climbs from the larger lone rate until one misses it twice', async () => {
    const { largest, tries } = await climbed({ one: 4_000, other: 3_000 })
    expect(largest).toEqual({ one: 4_000, other: 3_000 })
    expect(tries).toEqual([
      [3_000, ['one', 'other']],
      [4_000, ['one', 'other']],
      [4_000, ['other']],
      [5_000, ['one']],
      [5_000, ['one']],
    ])
  })

  it('takes one bad moment for what it is', async () => {
    const { largest } = await climbed({ one: 4_000, other: 2_000 }, { 3000: 1 })
    expect(largest).toEqual({ one: 4_000, other: 2_000 })
  })

  it('stays below a lone rate that was missed', async () => {
    const { largest, tries } = await climbed({ one: 1_000, other: 0 })
    expect(largest).toEqual({ one: 1_000, other: 0 })
    expect(tries.map(([rate]) => rate)).toEqual([500, 1_000])
    expect((await climbed({ one: 400, other: 500 })).largest).toEqual({ one: 300, other: 500 })
  })
})
