/**
 * Deleting for oneself, and reading back. Of what is gone no sender could be told any more, so what a device deletes counts as
 * delivered, and its sender is told first, durably. Then it is made gone in the store, the other devices get an entry that says
 * so, and only when that is durable it is done: a device repeats what is not.
 */

import type { Entry } from '../../src/protocol/entry.ts'
import type { Millis, Seq, UserId } from '../../src/protocol/ids.ts'
import { appendDeleted } from './append.ts'
import { hasOthers } from './devices.ts'
import { tellOf, toldOf } from './receipts.ts'
import { attached, delivered, work } from './state.ts'
import type { SessionRef, Ticket, UserEffect, UserLimits, UserMessage, UserState } from './types.ts'

/** Deletions and readings of one user that are under way. Above it `busy`. */
const atOnce = 16

export type Deletion = {
  readonly session: SessionRef
  readonly ticket: Ticket
  readonly chat: UserId
  readonly from: Seq
  /** As it was asked for, and what there is of it. */
  readonly upTo: Seq
  readonly end: Seq
  /** How far the chat has to confirm that it is delivered, by its own seqs; 0: it waits for nothing. */
  waits: Seq
  /** The seq of the entry that tells the other devices; 0: there is none yet. */
  written: Seq
}

export function erase(
  state: UserState,
  { session, ticket, chat, from, upTo }: Extract<UserMessage, { is: 'delete' }>,
  out: UserEffect[],
): void {
  const end = Math.min(upTo, state.tail)
  const deletion: Deletion = { session, ticket, chat, from, upTo, end, waits: 0, written: 0 }
  const it = work(state)
  if (it.deletions.length >= atOnce) return refuse(deletion, out)
  if (end < from) return finish(state, deletion, out)
  it.deletions.push(deletion)
  // A device has what it deletes. Code may delete what nobody ever got, of which there is nothing to tell.
  const has = session === 0 ? Math.min(end, delivered(state)) : end
  const untold = Math.max(from, it.told + 1)
  if (untold <= has) out.push({ do: 'look', deletion, from: untold, upTo: has })
  else eraseTold(state, deletion, out)
}

/** Which messages of the chat there are whose sender was not told. */
export function looked(
  state: UserState,
  { deletion, found }: Extract<UserMessage, { is: 'looked' }>,
  out: UserEffect[],
): void {
  if (!found) return fail(state, deletion, out)
  if (found.at > 0) tellOf(state, deletion.chat, found, out)
  eraseTold(state, deletion, out)
}

/** At once where the chat has confirmed what it was told, else then. */
function eraseTold(state: UserState, deletion: Deletion, out: UserEffect[]): void {
  deletion.waits = toldOf(state, deletion.chat, deletion.end)
  if (deletion.waits === 0) out.push({ do: 'erase', deletion })
}

/** A chat has confirmed its receipts up to here: what waited for that goes on. */
export function eraseConfirmed(state: UserState, chat: UserId, upTo: Seq, out: UserEffect[]): void {
  for (const deletion of work(state).deletions) {
    if (deletion.chat !== chat || deletion.waits === 0 || deletion.waits > upTo) continue
    deletion.waits = 0
    out.push({ do: 'erase', deletion })
  }
}

export function erased(
  state: UserState,
  { deletion, ok }: Extract<UserMessage, { is: 'erased' }>,
  limits: UserLimits,
  now: Millis,
  out: UserEffect[],
): void {
  if (!ok) return fail(state, deletion, out)
  const { session, chat, from, end } = deletion
  if (hasOthers(state, attached(state, session), limits, now)) {
    deletion.written = appendDeleted(state, chat, from, end, now, out)
    return
  }
  drop(state, deletion)
  finish(state, deletion, out)
}

/** The entry for the other devices is durable. */
export function confirmDeleted(state: UserState, { seq }: Extract<Entry, { is: 'deleted' }>, out: UserEffect[]): void {
  const it = work(state)
  for (const deletion of it.deletions) if (deletion.written === seq) finish(state, deletion, out)
  it.deletions = it.deletions.filter(({ written }) => written !== seq)
}

function drop(state: UserState, deletion: Deletion): void {
  const it = work(state)
  it.deletions = it.deletions.filter((other) => other !== deletion)
}

function finish(state: UserState, { session, ticket, chat, from, upTo }: Deletion, out: UserEffect[]): void {
  const at = { epoch: state.epoch, seq: upTo }
  if (session === 0) out.push({ do: 'answer', ticket, answer: { is: 'accepted', at, time: state.lastTime } })
  else out.push({ do: 'confirm', session, kind: 'delete', ref: chat, seq: upTo, from })
}

function fail(state: UserState, deletion: Deletion, out: UserEffect[]): void {
  drop(state, deletion)
  refuse(deletion, out)
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
