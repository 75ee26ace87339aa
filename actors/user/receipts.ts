/**
 * Receipts of what this user has sent: pushed at once where a device is connected, and entries of this inbox later, one per
 * peer. What is known already makes no entry. Of the receipts that are durable here the latest peers' are in memory; the actor of a
 * reader says which it may have told before (`again`): those are looked for among the latest entries first, so that one which is
 * repeated for ever, by whatever device, makes no more than one entry in `recent`.
 */
import type { Entry } from '../../src/protocol/entry.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import type { UserEffect } from './effects.ts'
import { after, coalesceMs, later } from './later.ts'
import type { UserMessage } from './messages.ts'
import type { Marks } from './pending.ts'
import type { UserState } from './state.ts'
import { workOf } from './state.ts'
import type { UserTurn } from './turn.ts'

/** Latest entries that are looked through. */
const recent = 32
/** Peers whose durable receipts are in memory. */
const remembered = 256

type Receipt = Extract<Entry, { is: 'receipt' }>

const covers = (known: Marks | undefined, { epoch, delivered, read }: Marks): boolean =>
  known?.epoch === epoch && known.delivered >= delivered && known.read >= read

/** Merges what is known of one log. Of two logs the latter counts. */
const merged = (known: Marks | undefined, { epoch, delivered, read }: Marks): Marks =>
  known?.epoch === epoch
    ? { epoch, delivered: Math.max(known.delivered, delivered), read: Math.max(known.read, read) }
    : { epoch, delivered, read }

/** Receipts for this user as a sender. */
export function heard(state: UserState, receipt: Extract<UserMessage, { is: 'receipt' }>, turn: UserTurn): void {
  const { from, epoch, again, awaited = false } = receipt
  const delivered = Math.max(receipt.delivered, receipt.read)
  // Who tells nobody what they have read is told of nobody.
  const said = { epoch, delivered, read: state.settings.receipts ? receipt.read : 0 }
  const { early, receipts } = workOf(state)
  if (covers(receipts.get(from), said)) return confirm(state, from, said, turn)
  if (again && isWriting(state, from, said)) return
  const known = early.get(from)
  const { delivered: upTo, read } = merged(known, said)
  const now = { epoch, delivered: upTo, read, again: again && (known?.again ?? true) }
  early.set(from, now)
  if (!covers(known, said)) tellNow(state, from, now, turn)
  later(state, awaited, turn)
}

/** Early receipts, which wait for nothing. */
function tellNow(state: UserState, peer: UserId, { epoch, delivered, read }: Marks, turn: UserTurn): void {
  for (const { session, phase } of state.log.readers)
    if (phase === 'live' || phase === 'replaying')
      turn.effects.push({ do: 'earlyReceipt', session, peer, epoch, delivered, read })
  turn.effects.push({ do: 'receipted', peer, epoch, delivered, read })
}

/** Whether a receipt is being appended: then its confirmation follows. */
const isWriting = ({ log }: UserState, peer: UserId, marks: Marks): boolean =>
  log.work?.pending.some(({ entry }) => entry.is === 'receipt' && entry.peer === peer && covers(entry, marks)) ?? false

/** What is certainly new becomes entries. */
export function writeNews(state: UserState, lazy: boolean, turn: UserTurn): void {
  const { early } = workOf(state)
  for (const [peer, { again, ...marks }] of early)
    if (!again && early.delete(peer)) turn.said.push({ says: 'write', draft: { is: 'receipt', peer, ...marks }, lazy })
}

/** Asks for the latest entries, where something is to be looked for among them. */
export function recall(state: UserState, turn: UserTurn): void {
  const work = workOf(state)
  const doubtful = [...work.early.values(), ...(work.reads?.chats.values() ?? [])].some(({ again }) => again)
  if (work.recalling || !doubtful) return
  work.recalling = true
  const from = Math.max(state.log.head, state.log.tail - recent + 1)
  turn.effects.push({ do: 'scan', what: 'known', from, limit: recent, bytes: Number.MAX_SAFE_INTEGER })
}

/** The latest entries: what is known from them is confirmed, and the rest is certainly new. Whether they could be read. */
export function recalled(state: UserState, entries: readonly Entry[] | null, turn: UserTurn): boolean {
  const work = workOf(state)
  work.recalling = false
  if (!entries) {
    after(state, 'receipts', coalesceMs, turn)
    return false
  }
  for (const entry of entries) if (entry.is === 'receipt') remember(state, entry)
  for (const [peer, receipt] of work.early) {
    receipt.again = false
    if (covers(work.receipts.get(peer), receipt) && work.early.delete(peer)) confirm(state, peer, receipt, turn)
  }
  return true
}

function remember(state: UserState, receipt: Receipt): void {
  const { receipts } = workOf(state)
  const known = merged(receipts.get(receipt.peer), receipt)
  receipts.delete(receipt.peer)
  receipts.set(receipt.peer, known)
  if (receipts.size > remembered) receipts.delete(receipts.keys().next().value as UserId)
}

/** A receipt is durable in this inbox: its recipient need not tell it again. */
export function receiptStands(state: UserState, entry: Receipt, turn: UserTurn): void {
  remember(state, entry)
  confirm(state, entry.peer, entry, turn)
}

function confirm({ user, settings }: UserState, peer: UserId, marks: Marks, turn: UserTurn): void {
  const { delivered } = marks
  const read = settings.receipts ? marks.read : delivered
  const effect: UserEffect = { do: 'tell', user: peer, message: { is: 'receipted', peer: user, delivered, read } }
  turn.effects.push(effect)
}
