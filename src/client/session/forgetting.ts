/** Own messages that leave this client before they are read: they have vanished, or this user has deleted them. */
import type { Millis } from '../../protocol/ids.ts'
import { type Lifetime, timerOf } from '../../protocol/lifetime.ts'
import { isWaiting } from './lines.ts'
import type { SessionState } from './state.ts'
import { remove } from './storage.ts'
import type { Out, SessionEffect } from './types.ts'

/** When an own message vanishes that was sent now: for its sender the timer runs from there on. A time of day, as it outlives this run. */
export function vanishes(lifetime: Lifetime, now: Millis): Millis | null {
  const timer = timerOf(lifetime)
  return timer ? now + timer.ms : null
}

/** What has vanished is not kept here either. */
export function expireSent(state: SessionState, now: Millis, out: SessionEffect[]): void {
  for (const due of state.outbox.due(now)) drop(state, due, out)
}

/** A user has deleted what a chat has at these places of their inbox. All of a chat: also what has no copy there. */
export function forget(state: SessionState, chat: string, from: number, upTo: number, out: SessionEffect[]): void {
  for (const sent of state.outbox.sentTo(chat)) {
    const seq = sent.message.copy?.seq ?? (from === 1 ? 1 : 0)
    if (seq >= from && seq <= upTo) drop(state, sent, out)
  }
}

/** This person has deleted a message of theirs. */
export function forgetOne(state: SessionState, id: string, out: SessionEffect[]): void {
  const sent = state.outbox.get(id)
  if (sent && !isWaiting(sent)) drop(state, sent, out)
}

function drop(state: SessionState, sent: Out, out: SessionEffect[]): void {
  state.outbox.forget(sent)
  remove(state, sent.message, out)
}
