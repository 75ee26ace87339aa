/**
 * Whether a log is still the one that somebody has a place of. Each start of a node on a store is a life, with a random name that
 * welcomes carry, and terms give lives their order. Who shows a life that the store does not know, or a seq above what the log had at
 * the end of that life, has seen a life that never was: the store was put back from an earlier moment.
 */
import type { Seq } from '../src/protocol/ids.ts'
import type { Life } from '../src/store/contract.ts'
import type { Presented, UserState } from './user/types.ts'

/** The highest seq that the log had while the node of `term` ran, or lower, where the list is short; of a term that was not told, the tail. */
export function endOf(
  { lives, tail }: { readonly lives: readonly Life[]; readonly tail: Seq },
  term = Number.POSITIVE_INFINITY,
): Seq {
  for (const life of lives) if (life.term > term) return life.from - 1
  return tail
}

/** The list once the node of `term` has appended from `from` on. */
export const continued = (lives: readonly Life[], term: number, from: Seq): readonly Life[] =>
  (lives.at(-1)?.term ?? 0) < term ? [...lives, { term, from }] : lives

/** Up to which seq that holds what was told of a log, by the name that it had; 0: nothing does. */
export function standing(
  log: Pick<UserState, 'epoch' | 'was' | 'lives' | 'tail'>,
  { epoch, seq, term }: Presented,
): Seq {
  if (epoch !== log.epoch && epoch !== log.was) return 0
  return Math.min(seq, endOf(log, term))
}
