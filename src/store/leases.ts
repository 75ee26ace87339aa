/** Who holds a name, decided in one place for the stores that can read and write it in one step. */
import type { Millis } from '../protocol/ids.ts'
import type { Lease } from './contract.ts'

/** The lease after `holder` has asked for it. `nextTerm` is asked only where it changes hands. */
export function taken(
  held: Lease | undefined,
  holder: string,
  now: Millis,
  until: Millis,
  nextTerm: () => number,
): Lease {
  if (!held || held.until <= now) return { holder, term: nextTerm(), until }
  return held.holder === holder ? { ...held, until: Math.max(held.until, until) } : held
}

/** The lease held longer; undefined where it ran out, or is another. */
export const renewed = (held: Lease | undefined, lease: Lease, now: Millis, until: Millis): Lease | undefined =>
  held && isSame(held, lease) && held.until > now ? { ...held, until: Math.max(held.until, until) } : undefined

export const isSame = (held: Lease | undefined, { holder, term }: Lease): boolean =>
  held?.holder === holder && held.term === term
