/**
 * What is known already makes no entry. Of the receipts that are durable in this inbox the latest peers' are in memory; the actor
 * of a reader says which receipts it may have told before (`again`): those are looked for among the latest entries first, so that
 * one which is repeated for ever, by whatever device, makes no more than one entry in `recent`. The same goes for reads of own devices.
 */

import type { Entry } from '../../src/protocol/entry.ts'
import type { Millis, UserId } from '../../src/protocol/ids.ts'
import { writeNews } from './receipts.ts'
import { confirmSeen } from './seen.ts'
import { after, coalesceMs, work } from './state.ts'
import type { Marks, UserEffect, UserState } from './types.ts'

/** Latest entries that are looked through. */
const recent = 32
/** Peers whose durable receipts are in memory. */
const remembered = 256
/** The place of a session in the `fetch` of these entries: no session has that number. */
export const recalling = -1

type Receipt = Extract<Entry, { is: 'receipt' }>

export const covers = (known: Marks | undefined, { epoch, delivered, read }: Marks): boolean =>
  known?.epoch === epoch && known.delivered >= delivered && known.read >= read

/** Merges what is known of one log. Of two logs the latter counts. */
export const merged = (known: Marks | undefined, { epoch, delivered, read }: Marks): Marks =>
  known?.epoch === epoch
    ? { epoch, delivered: Math.max(known.delivered, delivered), read: Math.max(known.read, read) }
    : { epoch, delivered, read }

/** A receipt is durable in this inbox. */
export function remember(state: UserState, receipt: Receipt): void {
  const { receipts } = work(state)
  const known = merged(receipts.get(receipt.peer), receipt)
  receipts.delete(receipt.peer)
  receipts.set(receipt.peer, known)
  if (receipts.size > remembered) receipts.delete(receipts.keys().next().value as UserId)
}

/** Whether a receipt is being appended: then its confirmation follows. */
export const isWriting = (state: UserState, peer: UserId, marks: Marks): boolean =>
  work(state).pending.some(({ entry }) => entry.is === 'receipt' && entry.peer === peer && covers(entry, marks))

/** Asks for the latest entries, where something is to be looked for among them. */
export function recall(state: UserState, out: UserEffect[]): void {
  const it = work(state)
  const doubtful = [...it.news.values(), ...(it.seen?.chats.values() ?? [])].some(({ again }) => again)
  if (it.recalling || !doubtful) return
  it.recalling = true
  const from = Math.max(state.head, state.tail - recent + 1)
  out.push({ do: 'fetch', session: recalling, from, limit: recent, bytes: Number.MAX_SAFE_INTEGER })
}

/** The latest entries: what is known from them is confirmed, and the rest becomes entries. */
export function recalled(state: UserState, entries: readonly Entry[] | null, now: Millis, out: UserEffect[]): void {
  const it = work(state)
  it.recalling = false
  if (!entries) return after(state, 'receipts', coalesceMs, out)
  const durable = entries.filter(({ seq }) => seq <= state.tail)
  for (const entry of durable) if (entry.is === 'receipt') remember(state, entry)
  for (const [peer, news] of it.news) {
    news.again = false
    if (!covers(it.receipts.get(peer), news) || !it.news.delete(peer)) continue
    out.push(confirmation(state, peer, news))
  }
  for (const [chat, seen] of it.seen?.chats ?? []) {
    if (!seen.again) continue
    seen.again = false
    const known = durable.find((entry) => entry.is === 'seen' && entry.chat === chat && entry.upTo >= seen.upTo)
    if (known?.is === 'seen') confirmSeen(state, known, out)
  }
  writeNews(state, now, out)
}

/** A receipt is durable in this inbox: its recipient need not tell it again. */
export function confirmation(state: UserState, peer: UserId, marks: Marks): UserEffect {
  const { delivered } = marks
  const read = state.settings.receipts ? marks.read : delivered
  return { do: 'tell', user: peer, message: { is: 'receipted', peer: state.user, delivered, read } }
}
