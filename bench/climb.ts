/** The search for the largest rate at which nearly all are told `delivered` within `limitMs`. */
import { lone, type Pace } from './pace.ts'

const limitMs = 10
const rungs = [500, 1_000, 3_000, 4_000, 5_000, 6_000, 8_000, 10_000, 12_000, 16_000, 20_000, 25_000, 30_000]

export const isWithin = ({ deliveredP99, held }: Pace): boolean => held && deliveredP99 <= limitMs

/** What one climber has reached so far. */
type Climber<Who> = { readonly who: Who; best: number; fell: boolean }

/**
 * For each of `all` the largest rate, 0 for none: up from the larger lone rate that it holds, until it misses one. Whoever misses has a
 * second try: what else the machine does can only make it worse. `at` measures those named at a rate and tells who is within the limit.
 */
export async function climb<Who>(
  all: readonly Who[],
  held: (who: Who, rate: number) => boolean,
  at: (rate: number, who: readonly Who[]) => Promise<readonly Who[]>,
): Promise<Map<Who, number>> {
  const climbers = all.map(
    (who): Climber<Who> => ({ who, best: [...lone].reverse().find((rate) => held(who, rate)) ?? 0, fell: false }),
  )
  for (const rate of rungs) {
    const trying = climbers.filter((climber) => climbs(climber, rate))
    if (trying.length === 0) continue
    const names = trying.map(({ who }) => who)
    const within = await at(rate, names)
    const missed = names.filter((who) => !within.includes(who))
    const second = missed.length > 0 ? await at(rate, missed) : []
    for (const climber of trying) {
      if (within.includes(climber.who) || second.includes(climber.who)) climber.best = rate
      else climber.fell = true
    }
  }
  return new Map(climbers.map(({ who, best }) => [who, best]))
}

/** Those that missed the larger lone rate climb no further than to it. */
const climbs = ({ best, fell }: Climber<unknown>, rate: number): boolean =>
  !fell && best > 0 && rate > best && rate < 2_000 === best < 2_000
