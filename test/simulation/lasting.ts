/** What a store does for messages that do not stay, over an inbox that is an array. */
import {
  type Entry,
  goneOf,
  isErased,
  isOver,
  type Started,
  start,
  starts,
  type Waiting,
  waitingOf,
  waitsFor,
} from '../../src/protocol/entry.ts'
import type { Millis, UserId } from '../../src/protocol/ids.ts'

const lowest = (user: UserId, entries: readonly Entry[], is: Started['is']): number =>
  entries.find((entry) => waitsFor(user, entry) === is)?.seq ?? 0

export const waiting = (user: UserId, entries: readonly Entry[]): Waiting | null =>
  waitingOf((is) => lowest(user, entries, is))

export function startTimers(user: UserId, entries: Entry[], started: Started, now: Millis): number {
  for (const [index, entry] of entries.entries())
    if (starts(user, entry, started)) entries[index] = start(entry, started.is, now)
  return lowest(user, entries, started.is)
}

export function vanish(entries: Entry[], now: Millis): void {
  for (const [index, entry] of entries.entries()) if (isOver(entry, now)) entries[index] = goneOf(entry)
}

export function erase(entries: Entry[], chat: UserId, from: number, upTo: number): void {
  for (const [index, entry] of entries.entries()) if (isErased(entry, chat, from, upTo)) entries[index] = goneOf(entry)
}
