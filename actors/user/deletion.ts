/**
 * Deleting for oneself, and reading back. What a chat has up to now is made gone in the store, then the other devices get an
 * entry that says so, and only when that is durable it is done: a device repeats what is not.
 */
import type { Millis, Seq, UserId } from '../../src/protocol/ids.ts'
import type { Entry } from '../../src/store/contract.ts'
import { appendDeleted } from './append.ts'
import { hasOthers } from './devices.ts'
import { attached, work } from './state.ts'
import type { SessionRef, Ticket, UserEffect, UserLimits, UserMessage, UserState } from './types.ts'

/** Deletions and readings of one user that are under way. Above it `busy`. */
const atOnce = 16

/** `written`: the seq of the entry that tells the other devices; 0: the store is still at it. */
export type Deletion = {
  readonly session: SessionRef
  readonly ticket: Ticket
  readonly chat: UserId
  /** As it was asked for. */
  readonly upTo: Seq
  written: Seq
}

export function erase(
  state: UserState,
  { session, ticket, chat, from, upTo }: Extract<UserMessage, { is: 'delete' }>,
  out: UserEffect[],
): void {
  const deletion: Deletion = { session, ticket, chat, upTo, written: 0 }
  const it = work(state)
  if (it.deletions.length >= atOnce) return refuse(deletion, out)
  const end = Math.min(upTo, state.tail)
  if (end < from) return finish(state, deletion, out)
  it.deletions.push(deletion)
  out.push({ do: 'erase', deletion, chat, from, upTo: end, whole: from === 1 && end === state.tail })
}

export function erased(
  state: UserState,
  { deletion, from, upTo, ok }: Extract<UserMessage, { is: 'erased' }>,
  limits: UserLimits,
  now: Millis,
  out: UserEffect[],
): void {
  if (ok && hasOthers(state, attached(state, deletion.session), limits, now)) {
    deletion.written = appendDeleted(state, deletion.chat, from, upTo, now, out)
    return
  }
  const it = work(state)
  it.deletions = it.deletions.filter((other) => other !== deletion)
  if (ok) finish(state, deletion, out)
  else refuse(deletion, out)
}

/** The entry for the other devices is durable. */
export function confirmDeleted(state: UserState, { seq }: Extract<Entry, { is: 'deleted' }>, out: UserEffect[]): void {
  const it = work(state)
  for (const deletion of it.deletions) if (deletion.written === seq) finish(state, deletion, out)
  it.deletions = it.deletions.filter(({ written }) => written !== seq)
}

function finish(state: UserState, { session, ticket, chat, upTo }: Deletion, out: UserEffect[]): void {
  const at = { epoch: state.epoch, seq: upTo }
  if (session === 0) out.push({ do: 'answer', ticket, answer: { is: 'accepted', at, time: state.lastTime } })
  else out.push({ do: 'confirm', session, kind: 'delete', ref: chat, seq: upTo })
}

function refuse({ session, ticket, chat }: Deletion, out: UserEffect[]): void {
  if (session === 0) out.push({ do: 'answer', ticket, answer: { is: 'refused', code: 'busy' } })
  else out.push({ do: 'refuse', session, kind: 'delete', ref: chat, code: 'busy' })
}

/** A device reads back a chat that is permanent, or was. */
export function readBack(
  state: UserState,
  { session, ref, chat, before, limit }: Extract<UserMessage, { is: 'history' }>,
  limits: UserLimits,
  out: UserEffect[],
): void {
  if (!attached(state, session)) return
  const it = work(state)
  if (it.histories >= atOnce) return void out.push({ do: 'refuse', session, kind: 'history', ref, code: 'busy' })
  it.histories += 1
  out.push({ do: 'history', session, ref, chat, before, limit, bytes: limits.windowBytes })
}

export function past(
  state: UserState,
  { session, ref, entries }: Extract<UserMessage, { is: 'past' }>,
  out: UserEffect[],
): void {
  work(state).histories -= 1
  if (!entries) return void out.push({ do: 'refuse', session, kind: 'history', ref, code: 'busy' })
  out.push({ do: 'past', session, ref, entries })
  out.push({ do: 'confirm', session, kind: 'history', ref, seq: entries.length })
}
