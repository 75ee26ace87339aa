/**
 * Timers of messages that do not stay. One starts when its event is durable and told to the sender: of what has vanished
 * nobody could be told any more. A crash before the start makes a message stay longer, never shorter.
 */

import type { Entry, Started } from '../../src/protocol/entry.ts'
import { waitsFor } from '../../src/protocol/entry.ts'
import type { Millis, Seq, UserId } from '../../src/protocol/ids.ts'
import { isGone } from './devices.ts'
import { after, work } from './state.ts'
import type { SessionRef, UserEffect, UserLimits, UserMessage, UserState } from './types.ts'

/** Timers that could not be started are tried again after this time. */
const retryMs = 5_000

/** An entry is durable: its timer waits from now on. */
export function noteWaiting(state: UserState, entry: Entry): void {
  const kind = waitsFor(state.user, entry)
  if (!kind) return
  state.waiting ??= { temporary: 0, delivered: 0, read: 0 }
  state.waiting[kind] ||= entry.seq
}

/** Starts the timers of what one device has, and of what all have. */
export function startDue(state: UserState, limits: UserLimits, now: Millis, out: UserEffect[]): void {
  if (mayStart(state, 'delivered')) start(state, 'delivered', state.settled, out)
  if (!mayStart(state, 'temporary')) return
  const upTo = withAll(state, limits, now)
  if (upTo > 0) start(state, 'temporary', Math.min(upTo, state.settled), out)
}

function mayStart({ waiting, settled, work }: UserState, is: 'temporary' | 'delivered'): boolean {
  const first = waiting?.[is] ?? 0
  return first > 0 && first <= settled && !work?.starting?.has(is)
}

/** How far every device has acknowledged this inbox; 0 where one lacks the first that waits for that. */
function withAll(state: UserState, limits: UserLimits, now: Millis): Seq {
  const first = state.waiting?.temporary ?? 0
  let lowest = Number.POSITIVE_INFINITY
  for (const device of state.devices) {
    if (isGone(device, limits, now)) continue
    if (device.acked < first) return 0
    lowest = Math.min(lowest, device.acked)
  }
  return Number.isFinite(lowest) ? lowest : 0
}

function start(state: UserState, is: 'temporary' | 'delivered', upTo: Seq, out: UserEffect[]): void {
  const it = work(state)
  it.starting ??= new Set()
  it.starting.add(is)
  out.push({ do: 'start', started: { is, upTo }, tail: state.tail, session: 0 })
}

/** A read is known to the sender: it is done when the timers that wait for it run. */
export function confirmRead(state: UserState, session: SessionRef, chat: UserId, seq: Seq, out: UserEffect[]): void {
  const first = state.waiting?.read ?? 0
  if (first === 0 || first > seq) return void out.push({ do: 'done', session, chat, seq })
  work(state).starts += 1
  out.push({ do: 'start', started: { is: 'read', chat, upTo: seq }, tail: state.tail, session })
}

/** Timers run, or may. What was appended meanwhile may wait, too. */
export function started(
  state: UserState,
  { started, tail, session, lowest }: Extract<UserMessage, { is: 'started' }>,
  out: UserEffect[],
): void {
  const it = work(state)
  if (started.is === 'read') it.starts -= 1
  if (lowest === null) {
    if (started.is !== 'read') return after(state, 'start', retryMs, out)
    return void out.push({ do: 'refuse', session, kind: 'read', ref: started.chat, code: 'busy' })
  }
  if (started.is !== 'read') it.starting?.delete(started.is)
  wait(state, started.is, lowest || (state.tail > tail ? tail + 1 : 0))
  if (started.is === 'read') out.push({ do: 'done', session, chat: started.chat, seq: started.upTo })
}

function wait(state: UserState, is: Started['is'], first: Seq): void {
  const { waiting } = state
  if (!waiting) return
  waiting[is] = first
  if (waiting.temporary + waiting.delivered + waiting.read === 0) state.waiting = null
}
