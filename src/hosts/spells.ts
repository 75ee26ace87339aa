/**
 * Under which terms this node has its actors. What the store answers to an actor counts only in the spell in which it was asked: a node
 * alone has one, for all and for ever; in a cluster each shard has its own, and what comes when that is over reaches nobody.
 */
import type { Store } from '../store/contract.ts'
import { StoreError } from '../store/error.ts'

export type Heed = (pass: () => void, over?: () => void) => void

export type Spell<S = Store> = {
  readonly term: number
  /** Through which its actors write. */
  readonly store: S
  /** Calls `pass` as soon as what the store has answered counts, or `over` when it is known that it never will; null: it always does. */
  readonly heed: Heed | null
  /** A log was written under that term, which is above this one: the actors get a spell of a higher one. Missing: the next start has one. */
  readonly outdone?: (term: number) => void
}

/** The spell in which this node has an actor now. Throws where another node has it. */
export type SpellOf<S = Store> = (id: string) => Spell<S>

export function oneSpell<S>(store: S, term: number, heed: Heed | null = null): SpellOf<S> {
  const spell = { term, store, heed }
  return () => spell
}

/** What the store has answered, as soon as it counts; never where it does not. */
export async function counting<T>({ heed }: Spell<unknown>, answer: Promise<T>): Promise<T> {
  const found = await answer
  if (heed) await new Promise<void>((resolve) => heed(resolve))
  return found
}

/**
 * Between the steps of one task: resolves when what it has read counts, and rejects where it never will; undefined: it always does. What
 * the next step writes may come at any time after that, so it is to touch only what was read before.
 */
export function still({ heed }: Pick<Spell, 'heed'>): Promise<void> | undefined {
  if (!heed) return undefined
  return new Promise((resolve, reject) => heed(resolve, () => reject(over())))
}

const over = (): StoreError => new StoreError('unavailable', 'Another node has these actors by now.')
