/**
 * Under which terms this node has its actors. What the store answers to an actor counts only in the spell in which it was asked: a node
 * alone has one, for all and for ever; in a cluster each shard has its own, and what comes when that is over reaches nobody.
 */
import type { Store } from '../store/contract.ts'

export type Spell<S = Store> = {
  readonly term: number
  /** Through which its actors write. */
  readonly store: S
  /** Calls `pass` now, later or never, when it is known whether what the store has answered counts; null: it always does. */
  readonly heed: ((pass: () => void) => void) | null
}

/** The spell in which this node has an actor now. Throws where another node has it. */
export type SpellOf<S = Store> = (id: string) => Spell<S>

export function oneSpell<S>(store: S, term: number): SpellOf<S> {
  const spell = { term, store, heed: null }
  return () => spell
}

/** What the store has answered, as soon as it counts; never where it does not. */
export async function counting<T>({ heed }: Spell<unknown>, answer: Promise<T>): Promise<T> {
  const found = await answer
  if (heed) await new Promise<void>(heed)
  return found
}
