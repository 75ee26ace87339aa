/**
 * Deleting for oneself, and reading back. Of what is gone no sender could be told any more, so what a device deletes counts as
 * delivered, and its sender is told first, durably. Then it is made gone in the store, the other devices get an entry that says
 * so, and only when that is durable it is done: a device repeats what is not.
 */

import type { Entry } from '../../src/protocol/entry.ts'
import type { Seq, UserId } from '../../src/protocol/ids.ts'
import { highestAcked, readerOf } from '../log/state.ts'
import { listAnew } from './chats.ts'
import { hasOthers } from './devices.ts'
import type { UserMessage } from './messages.ts'
import type { Deletion } from './pending.ts'
import type { UserState } from './state.ts'
import { workOf } from './state.ts'
import { deliver, tellAwaited } from './ticks.ts'
import type { UserTurn } from './turn.ts'

/** Deletions and readings of one user that are under way. Above it `busy`. */
const atOnce = 16

export function erase(state: UserState, by: Deletion['by'], chat: UserId, from: Seq, upTo: Seq, turn: UserTurn): void {
  const end = Math.min(upTo, state.log.tail)
  const deletion: Deletion = { by, chat, from, upTo, end, waits: 0, written: false }
  const work = workOf(state)
  if (work.deletions.length >= atOnce) return refuse(deletion, turn)
  if (end < from) return finish(state, deletion, turn)
  work.deletions.push(deletion)
  // A device has what it deletes. A program may delete what nobody ever got, of which there is nothing to tell.
  const has = by.is === 'program' ? Math.min(end, highestAcked(state.log)) : end
  const untold = Math.max(from, work.told + 1)
  if (untold <= has) turn.effects.push({ do: 'findSpan', deletion, from: untold, upTo: has })
  else eraseTold(state, deletion, turn)
}

/** Which messages of the chat there are whose sender was not told. */
export function looked(
  state: UserState,
  { deletion, found }: Extract<UserMessage, { is: 'spanFound' }>,
  turn: UserTurn,
): void {
  if (!found) return fail(state, deletion, turn)
  if (found.at > 0) deliver(state, deletion.chat, found, turn)
  eraseTold(state, deletion, turn)
}

/** At once where the chat has confirmed what it was told, else then. */
function eraseTold(state: UserState, deletion: Deletion, turn: UserTurn): void {
  deletion.waits = tellAwaited(state, deletion.chat, deletion.end, turn)
  if (deletion.waits === 0) turn.effects.push({ do: 'erase', deletion })
}

/** A chat has confirmed its receipts up to here: what waited for that goes on. */
export function eraseConfirmed(state: UserState, chat: UserId, upTo: Seq, turn: UserTurn): void {
  for (const deletion of workOf(state).deletions) {
    if (deletion.chat !== chat || deletion.waits === 0 || deletion.waits > upTo) continue
    deletion.waits = 0
    turn.effects.push({ do: 'erase', deletion })
  }
}

/** Those that wait for a chat, and for nothing of the store, are refused for now. */
export function giveUp(state: UserState, turn: UserTurn): void {
  for (const deletion of workOf(state).deletions) if (deletion.waits > 0) fail(state, deletion, turn)
}

export function erased(
  state: UserState,
  { deletion, ok }: Extract<UserMessage, { is: 'erased' }>,
  turn: UserTurn,
): void {
  // Some of it may be gone also where it failed.
  listAnew(state)
  if (!ok) return fail(state, deletion, turn)
  const { by, chat, from, end } = deletion
  // A program knows nothing of devices: what it deletes is told also to one that a crash has forgotten.
  if (by.is === 'program' || hasOthers(state, readerOf(state.log, by.session), turn)) {
    deletion.written = true
    return void turn.said.push({ says: 'write', draft: { is: 'deleted', chat, from, upTo: end }, lazy: false })
  }
  drop(state, deletion)
  finish(state, deletion, turn)
}

/** The entry for the other devices is durable. */
export function deletedStands(state: UserState, entry: Extract<Entry, { is: 'deleted' }>, turn: UserTurn): void {
  for (const deletion of workOf(state).deletions) {
    const { chat, from, end, written } = deletion
    if (!written || chat !== entry.chat || from !== entry.from || end !== entry.upTo) continue
    drop(state, deletion)
    finish(state, deletion, turn)
  }
}

function drop(state: UserState, deletion: Deletion): void {
  const work = workOf(state)
  work.deletions = work.deletions.filter((other) => other !== deletion)
}

function finish(state: UserState, { by, chat, from, upTo }: Deletion, turn: UserTurn): void {
  const at = { epoch: state.log.epoch, seq: upTo }
  const { lastTime: time } = state.log
  if (by.is === 'program') turn.effects.push({ do: 'answer', ticket: by.ticket, answer: { is: 'accepted', at, time } })
  else turn.effects.push({ do: 'confirm', session: by.session, kind: 'delete', ref: chat, seq: upTo, from })
}

function fail(state: UserState, deletion: Deletion, turn: UserTurn): void {
  drop(state, deletion)
  refuse(deletion, turn)
}

function refuse({ by, chat }: Deletion, turn: UserTurn): void {
  if (by.is === 'program')
    turn.effects.push({ do: 'answer', ticket: by.ticket, answer: { is: 'refused', code: 'busy' } })
  else turn.effects.push({ do: 'refuse', session: by.session, kind: 'delete', ref: chat, code: 'busy' })
}

/** A device reads back a chat that is permanent, or was. */
export function readBack(
  state: UserState,
  { session, ref, chat, before, limit }: Extract<UserMessage, { is: 'history' }>,
  turn: UserTurn,
): void {
  if (!readerOf(state.log, session)) return
  const work = workOf(state)
  if (work.histories >= atOnce)
    return void turn.effects.push({ do: 'refuse', session, kind: 'history', ref, code: 'busy' })
  work.histories += 1
  turn.effects.push({ do: 'history', session, ref, chat, before, limit, bytes: turn.limits.windowBytes })
}

export function past(
  state: UserState,
  { session, ref, entries }: Extract<UserMessage, { is: 'past' }>,
  turn: UserTurn,
): void {
  workOf(state).histories -= 1
  if (!entries) return void turn.effects.push({ do: 'refuse', session, kind: 'history', ref, code: 'busy' })
  turn.effects.push({ do: 'past', session, ref, entries })
  turn.effects.push({ do: 'confirm', session, kind: 'history', ref, seq: entries.length })
}
