/** The life that a node begins on its store, and those before it, which clients name. */
import type { Presented } from '../../actors/log/types.ts'
import type { Cursor } from '../protocol/ids.ts'
import type { Clock } from '../runtime/index.ts'
import type { LifeStore, TermStore } from '../store/contract.ts'

/** `life`: its name, 0 where the store keeps none. */
export type Life = { readonly term: number; readonly life: number }

/** A term for a node that starts, under a name that no other has. */
export async function beginLife(store: TermStore & LifeStore, clock: Pick<Clock, 'name'>): Promise<Life> {
  const term = await store.takeTerm()
  if (!store.lives) return { term, life: 0 }
  const life = clock.name()
  await store.lives.begin(term, life)
  return { term, life }
}

/** What an actor is shown of a cursor: a promise only where the store has to be asked, so that who is connected comes back at once. */
export function presented(store: LifeStore, now: Life, { life, ...cursor }: Cursor): Presented | Promise<Presented> {
  if (!store.lives || life === 0) return cursor
  if (life === now.life) return { ...cursor, term: now.term }
  return store.lives.termOf(life).then((term = 0) => ({ ...cursor, term }))
}
