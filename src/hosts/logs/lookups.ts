/** What an actor with a log asks of the store: a user of the inbox, a group of what was said in it. */
import type { LogAnswer, LogEffect } from '../../../actors/log/types.ts'
import type { Entry } from '../../protocol/entry.ts'
import type { Millis, Seq, UserId } from '../../protocol/ids.ts'
import type { LifeStore, LogStore } from '../../store/contract.ts'
import type { Calendar } from '../calendar.ts'

export type Lookup = Extract<LogEffect, { do: 'find' | 'fetch' | 'save' | 'rename' | 'start' }>
type Answer = Extract<LogAnswer, { is: 'found' | 'page' | 'saved' | 'renamed' | 'started' }>

/** The answer of the store, which never rejects: it says where the store did not answer. */
export async function lookUp(
  store: LogStore & LifeStore,
  calendar: Calendar,
  id: UserId,
  effect: Lookup,
): Promise<Answer> {
  const now = calendar.now()
  switch (effect.do) {
    case 'find':
      return { is: 'found', repeats: await orNull(store.findRepeats(id, effect.keys, calendar.past, effect.upTo)) }
    case 'fetch': {
      const { reader, from, limit, bytes } = effect
      return { is: 'page', reader, from, entries: await orNull(store.read(id, from, limit, bytes, now)) }
    }
    case 'save': {
      const { epoch, cursors, settled, reads } = effect
      return { is: 'saved', ok: await done(store.saveCursors(id, epoch, cursors, settled, reads)) }
    }
    case 'rename':
      return { is: 'renamed', ok: await done(store.lives?.rename(id, effect.epoch) ?? Promise.resolve()) }
    case 'start': {
      const { started, tail, session } = effect
      return { is: 'started', started, tail, session, lowest: await orNull(store.startTimers(id, started, now)) }
    }
  }
}

/** The entries of a log from `from` to `upTo` as they are at `now`, page by page. */
export async function* entriesOf(
  store: LogStore,
  id: UserId,
  from: Seq,
  upTo: Seq,
  now: Millis,
): AsyncGenerator<Entry> {
  for (let next = from; next <= upTo; ) {
    const page = await store.read(id, next, 1_000, 1024 * 1024, now)
    for (const entry of page) if (entry.seq <= upTo) yield entry
    next = (page.at(-1)?.seq ?? upTo) + 1
  }
}

/** null where the store failed. */
export const orNull = <T>(result: Promise<T>): Promise<T | null> => result.catch(() => null)

/** Whether it was done. */
export const done = (result: Promise<unknown>): Promise<boolean> =>
  result.then(
    () => true,
    () => false,
  )
