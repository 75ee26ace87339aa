/**
 * What one device has read is read on all: the others are told at once, and by an entry of the own inbox a moment later, one
 * per chat. The device that read is told "done" only when that entry is durable, too.
 */

import type { Entry } from '../../src/protocol/entry.ts'
import type { Millis, Seq, UserId } from '../../src/protocol/ids.ts'
import { appendSeen } from './append.ts'
import { hasOthers } from './devices.ts'
import { after, coalesceMs, work } from './state.ts'
import { confirmRead } from './timers.ts'
import type { Device, SessionRef, UserEffect, UserLimits, UserState } from './types.ts'

/** Chats read up to `upTo`, of which the entry up to `writing` is being appended; and who waits for it. `again`: it may be known. */
export type Seen = {
  readonly chats: Map<UserId, { upTo: Seq; writing: Seq; again: boolean }>
  waiting: { readonly session: SessionRef; readonly chat: UserId; readonly seq: Seq }[]
}

export function see(
  state: UserState,
  reader: Device,
  chat: UserId,
  seq: Seq,
  again: boolean,
  limits: UserLimits,
  now: Millis,
  out: UserEffect[],
): void {
  if (!hasOthers(state, reader, limits, now)) return
  const it = work(state)
  it.seen ??= { chats: new Map(), waiting: [] }
  const known = it.seen.chats.get(chat) ?? { upTo: 0, writing: 0, again: true }
  it.seen.chats.set(chat, { ...known, upTo: Math.max(known.upTo, seq), again: again && known.again })
  for (const { session, phase } of state.devices)
    if (session !== reader.session && (phase === 'live' || phase === 'replaying'))
      out.push({ do: 'seen', session, chat, upTo: seq })
  after(state, 'receipts', coalesceMs, out)
}

/** A read is known to its sender: the device that read is told when its siblings will know, too. */
export function done(state: UserState, session: SessionRef, chat: UserId, seq: Seq, out: UserEffect[]): void {
  const { seen } = work(state)
  if (seen?.chats.has(chat)) seen.waiting.push({ session, chat, seq })
  else confirmRead(state, session, chat, seq, out)
}

export function writeSeen(state: UserState, now: Millis, out: UserEffect[]): void {
  for (const [chat, seen] of work(state).seen?.chats ?? []) {
    if (seen.writing === seen.upTo || seen.again) continue
    seen.writing = seen.upTo
    appendSeen(state, chat, seen.upTo, now, out)
  }
}

/** An entry is durable: who waited for it is told. */
export function confirmSeen(state: UserState, { chat, upTo }: Extract<Entry, { is: 'seen' }>, out: UserEffect[]): void {
  const it = work(state)
  if (!it.seen) return
  if ((it.seen.chats.get(chat)?.upTo ?? 0) <= upTo) it.seen.chats.delete(chat)
  const { waiting } = it.seen
  it.seen.waiting = waiting.filter((waiter) => waiter.chat !== chat || waiter.seq > upTo)
  for (const { session, seq } of waiting.filter((waiter) => waiter.chat === chat && waiter.seq <= upTo))
    confirmRead(state, session, chat, seq, out)
  if (it.seen.chats.size === 0) it.seen = null
}
