/**
 * What one device has read is read on all: the others are told at once, and by an entry of the own inbox later, one per chat. The device
 * that read is told "done" only when that entry is durable, too, and the timers that waited for it run.
 *
 * While a user has one device no entry says it. How far each chat is read is saved with the cursors, at no write of its own, and becomes
 * entries when a device is new: it gets all that the inbox holds, and could not tell what of it is new to its person. What a crash
 * forgets of the last minutes, or of the moment in which a device comes, counts as unread on devices that come later, until more is read.
 */
import type { Entry } from '../../src/protocol/entry.ts'
import type { ChatId, Seq, UserId } from '../../src/protocol/ids.ts'
import type { Reads } from '../../src/store/contract.ts'
import { saveSomeTime } from '../log/cursors.ts'
import type { LogAnswer, Reader } from '../log/types.ts'
import type { SessionRef } from '../session/ref.ts'
import { listRead } from './chats.ts'
import { hasOthers } from './devices.ts'
import { after, later, retellMs } from './later.ts'
import type { UserState } from './state.ts'
import { workOf } from './state.ts'
import type { UserTurn } from './turn.ts'

/** `again`: it may have been read before. */
export function see(state: UserState, device: Reader, chat: UserId, seq: Seq, again: boolean, turn: UserTurn): void {
  listRead(state, chat, seq)
  if (!hasOthers(state, device, turn)) return note(state, chat, seq, turn)
  const work = workOf(state)
  work.reads ??= { chats: new Map(), waiting: [] }
  const known = work.reads.chats.get(chat) ?? { upTo: 0, writing: 0, again: true }
  work.reads.chats.set(chat, { ...known, upTo: Math.max(known.upTo, seq), again: again && known.again })
  for (const { session, phase } of state.log.readers)
    if (session !== device.session && (phase === 'live' || phase === 'replaying'))
      turn.effects.push({ do: 'seen', session, chat, upTo: seq })
  later(state, state.log.waiting !== null, turn)
}

function note(state: UserState, chat: ChatId, seq: Seq, turn: UserTurn): void {
  state.alone ??= new Map()
  state.alone.set(chat, Math.max(seq, state.alone.get(chat) ?? 0))
  saveSomeTime(state.log, 0, turn)
}

/** What is to be saved with the cursors. */
export function toSave(state: UserState): Reads | null {
  const reads = state.alone
  if (reads) workOf(state).saving = reads
  state.alone = null
  return reads
}

/** A save is durable, or not: then what was to go with it goes with one that follows. */
export function readsSaved(state: UserState, ok: boolean, turn: UserTurn): void {
  const reads = state.work?.saving
  if (!reads) return
  workOf(state).saving = null
  if (!ok) for (const [chat, seq] of reads) note(state, chat, seq, turn)
}

/** A device is new, or was never welcomed: a crash may have come between. */
export function recallReads(state: UserState, turn: UserTurn): void {
  if (state.log.tail === 0 || workOf(state).recallsReads) return
  workOf(state).recallsReads = true
  turn.effects.push({ do: 'reads' })
}

/** What was read before becomes entries, of what is still there. */
export function readsRecalled(state: UserState, saved: Reads | null, turn: UserTurn): void {
  const { log, alone } = state
  const work = workOf(state)
  if (!work.recallsReads) return
  if (!saved) return after(state, 'retell', retellMs, turn)
  work.recallsReads = false
  state.alone = null
  const all = new Map(saved)
  for (const [chat, seq] of [...(work.saving ?? []), ...(alone ?? [])]) all.set(chat, Math.max(seq, all.get(chat) ?? 0))
  for (const [chat, upTo] of all)
    if (upTo >= log.head) turn.said.push({ says: 'write', draft: { is: 'seen', chat, upTo }, lazy: false })
}

/** A read is known to its sender: the device that read is told when its siblings will know, too. */
export function readDone(state: UserState, session: SessionRef, chat: UserId, seq: Seq, turn: UserTurn): void {
  const { reads } = workOf(state)
  if (reads?.chats.has(chat)) reads.waiting.push({ session, chat, seq })
  else startTimers(state, session, chat, seq, turn)
}

/** What is certainly new becomes entries. */
export function writeReads(state: UserState, lazy: boolean, turn: UserTurn): void {
  for (const [chat, read] of workOf(state).reads?.chats ?? []) {
    if (read.writing === read.upTo || read.again) continue
    read.writing = read.upTo
    turn.said.push({ says: 'write', draft: { is: 'seen', chat, upTo: read.upTo }, lazy })
  }
}

/** The latest entries of the inbox: what is known from them needs no entry. */
export function recalledReads(state: UserState, entries: readonly Entry[], turn: UserTurn): void {
  for (const [chat, read] of workOf(state).reads?.chats ?? []) {
    if (!read.again) continue
    read.again = false
    const known = entries.find((entry) => entry.is === 'seen' && entry.chat === chat && entry.upTo >= read.upTo)
    if (known?.is === 'seen') readStands(state, known, turn)
  }
}

/** An entry is durable: who waited for it is told. */
export function readStands(state: UserState, entry: Extract<Entry, { is: 'seen' }>, turn: UserTurn): void {
  const { chat, upTo } = entry
  const work = workOf(state)
  if (!work.reads) return
  if ((work.reads.chats.get(chat)?.upTo ?? 0) <= upTo) work.reads.chats.delete(chat)
  const { waiting } = work.reads
  const known = (waiter: (typeof waiting)[number]) => waiter.chat === chat && waiter.seq <= upTo
  work.reads.waiting = waiting.filter((waiter) => !known(waiter))
  for (const { session, seq } of waiting.filter(known)) startTimers(state, session, chat, seq, turn)
  if (work.reads.chats.size === 0) work.reads = null
}

/** A read is known to all: it is done when the timers that wait for it run. */
function startTimers(state: UserState, session: SessionRef, chat: UserId, seq: Seq, turn: UserTurn): void {
  const first = state.log.waiting?.read ?? 0
  if (first === 0 || first > seq) return void turn.effects.push({ do: 'done', session, chat, seq })
  workOf(state).starts += 1
  turn.effects.push({ do: 'start', started: { is: 'read', chat, upTo: seq }, tail: state.log.tail, session })
}

/** Timers run, or may: those of what was read are answered for. */
export function readStarted(
  state: UserState,
  { started, session, lowest }: Extract<LogAnswer, { is: 'started' }>,
  turn: UserTurn,
): void {
  if (started.is !== 'read') return
  workOf(state).starts -= 1
  const { chat, upTo: seq } = started
  if (lowest === null) turn.effects.push({ do: 'refuse', session, kind: 'read', ref: chat, code: 'busy' })
  else turn.effects.push({ do: 'done', session, chat, seq })
}
