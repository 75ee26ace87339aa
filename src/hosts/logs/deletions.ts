/** What deleting needs of the stores: of whose messages there is something to tell, what is to be gone, and media that nothing is left to hold for. */

import type { UserEffect } from '../../../actors/user/effects.ts'
import type { UserMessage } from '../../../actors/user/messages.ts'
import type { Span } from '../../../actors/user/pending.ts'
import { senderOf } from '../../../actors/user/ticks.ts'
import type { Held, Holds } from '../../media/holds.ts'
import { type Carrier, isErased } from '../../protocol/entry.ts'
import type { Seq, UserId } from '../../protocol/ids.ts'
import type { MediaId } from '../../protocol/media.ts'
import type { HistoryPosition, HistoryStore, LogStore } from '../../store/contract.ts'
import type { Calendar } from '../calendar.ts'
import { type Spell, still } from '../spells.ts'
import { done, entriesOf, orNull } from './lookups.ts'

type Context = Pick<Spell<LogStore & HistoryStore>, 'store' | 'heed'> & {
  readonly holds: Holds
  readonly calendar: Calendar
}
type Effect = Extract<UserEffect, { do: 'findSpan' | 'erase' }>
type Result = Extract<UserMessage, { is: 'spanFound' | 'erased' }>

/** The answer of the store, which never rejects. */
export async function deletion(context: Context, user: UserId, effect: Effect): Promise<Result> {
  const { deletion } = effect
  if (effect.do === 'erase') return { is: 'erased', deletion, ok: await done(erase(context, user, effect)) }
  return {
    is: 'spanFound',
    deletion,
    found: await orNull(spanOf(context, user, deletion.chat, effect.from, effect.upTo)),
  }
}

const entriesNow = ({ store, calendar }: Context, user: UserId, from: Seq, upTo: Seq) =>
  entriesOf(store, user, from, upTo, calendar.now())

async function spanOf(context: Context, user: UserId, chat: UserId, from: Seq, upTo: Seq): Promise<Span> {
  let span: Span = { first: 0, at: 0 }
  for await (const entry of entriesNow(context, user, from, upTo)) {
    const sender = senderOf(entry)
    if (sender?.chat === chat) span = { first: span.first || sender.seq, at: sender.at }
  }
  return span
}

type Erase = Extract<UserEffect, { do: 'erase' }>

/** What a crash or a failure in between leaves held is found by those who look after what passes. */
async function erase(context: Context, user: UserId, { deletion }: Erase): Promise<void> {
  const { store, holds } = context
  const { chat, from, end } = deletion
  // Without the messages, which for a whole chat may be more than there is memory.
  const held: Held[] = []
  if (holds.any)
    for await (const entry of erasedBy(context, user, chat, from, end)) {
      const { id, media, lifetime } = entry
      if (media) held.push({ id, content: media.media as MediaId })
      if (lifetime === 'permanent') await holds.holdVanishing(user, entry)
    }
  await store.erase(user, chat, from, end)
  const left = async () => from > 1 || isLeft(context, user, chat, end + 1)
  await holds.release(user, chat, held, left, () => still(context))
}

/** What is there to be erased, in the inbox and in the history. */
async function* erasedBy(context: Context, user: UserId, chat: UserId, from: Seq, end: Seq): AsyncGenerator<Carrier> {
  for await (const entry of entriesNow(context, user, from, end)) if (isErased(entry, chat, from, end)) yield entry
  for (
    let before: HistoryPosition | undefined = { time: Number.MAX_SAFE_INTEGER, seq: end + 1 };
    before && before.seq > from;
  ) {
    const page: readonly Carrier[] = await context.store.history(user, chat, before, 100, 1024 * 1024)
    for (const entry of page) if (isErased(entry, chat, from, end)) yield entry
    before = page.at(-1)
  }
}

/** Whether a chat has anything in its history, or in the inbox from here on. */
async function isLeft(context: Context, user: UserId, chat: UserId, from: Seq): Promise<boolean> {
  if ((await context.store.history(user, chat, null, 1, 1)).length > 0) return true
  for await (const entry of entriesNow(context, user, from, Number.MAX_SAFE_INTEGER))
    if (isErased(entry, chat, from, entry.seq)) return true
  return false
}
