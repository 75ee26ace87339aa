/** What the lifetime of an entry means to a store: what its timer waits for, when it has vanished, and whether a history keeps it. */
import { isGroup, type Millis, type Seq, type UserId } from '../protocol/ids.ts'
import { type Lifetime, timerOf } from '../protocol/lifetime.ts'
import type { Carrier, Entry, Started, Waiting } from './contract.ts'

/** The chat of a message or a copy, as its owner names it. */
export const chatOf = (entry: Carrier): UserId => (entry.is === 'copy' ? entry.to : (entry.place?.group ?? entry.from))

/** What the timer of an entry waits for; undefined: it has none, or it runs. */
export function waitsFor(user: UserId, entry: Entry): Started['is'] | undefined {
  if (!('body' in entry) || entry.lifetime === undefined || entry.expires !== undefined) return undefined
  return startOf(user, entry.lifetime)
}

/** What starts the timer of a lifetime in that inbox; undefined: it has none. */
export function startOf(user: UserId, lifetime: Lifetime): Started['is'] | undefined {
  if (lifetime === 'default' || lifetime === 'permanent') return undefined
  return isGroup(user) ? 'temporary' : (timerOf(lifetime)?.start ?? 'temporary')
}

/** Whether the history of its chat keeps an entry. The log of a group has no history: its members have. */
export const isKept = (user: UserId, entry: Entry): entry is Carrier =>
  'body' in entry && entry.lifetime === 'permanent' && !isGroup(user)

/** Whether `started` starts the timer of an entry. */
export const starts = (user: UserId, entry: Entry, started: Started): entry is Carrier =>
  entry.seq <= started.upTo &&
  waitsFor(user, entry) === started.is &&
  (started.is !== 'read' || chatOf(entry as Carrier) === started.chat)

/** An entry whose timer starts now; what was temporary has no time left. */
export function start(entry: Carrier, is: Started['is'], now: Millis): Entry {
  const timer = timerOf(entry.lifetime ?? '')
  return is === 'temporary' || !timer ? goneOf(entry) : { ...entry, expires: now + timer.ms }
}

export const goneOf = ({ seq, time }: Entry): Entry => ({ is: 'gone', seq, time })

/** Whether the timer of an entry has run out. */
export const isOver = (entry: Entry, now: Millis): boolean =>
  'body' in entry && entry.expires !== undefined && entry.expires <= now

/** Whether `erase` of these takes an entry. */
export const isErased = (entry: Entry, chat: UserId, from: Seq, upTo: Seq): entry is Carrier =>
  'body' in entry && entry.seq >= from && entry.seq <= upTo && chatOf(entry) === chat

/** From the lowest seq that waits, by kind: null when none does. */
export function waitingOf(lowest: (is: Started['is']) => Seq): Waiting | null {
  const waiting = { temporary: lowest('temporary'), delivered: lowest('delivered'), read: lowest('read') }
  return waiting.temporary + waiting.delivered + waiting.read > 0 ? waiting : null
}
