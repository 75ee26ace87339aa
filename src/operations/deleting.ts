/** Deletes a message for everybody who has it: from inboxes, histories, and the log of its group. */
import { type NodeRouter, toUser } from '../../actors/addresses.ts'
import { ask, SendRefused } from '../embed/post.ts'
import { type Carrier, chatOf } from '../protocol/entry.ts'
import { type ChatId, isGroup, type MessageId, type Millis, type UserId } from '../protocol/ids.ts'
import type { HistoryStore, LogStore, MessageTrace, TraceStore } from '../store/contract.ts'

type Context = {
  readonly router: NodeRouter
  readonly store: LogStore & HistoryStore & TraceStore
  readonly now: Millis
}

/**
 * Answers from whose logs it was deleted; empty: nothing is known of it any more, or all is deleted. Rejects with SendRefused where it
 * changes a chat, and where an inbox could not be written: then it is to be repeated.
 */
export async function deleteMessage(context: Context, id: MessageId): Promise<readonly ChatId[]> {
  const places = await Promise.all((await context.store.trace(id)).map((place) => found(context, place)))
  const there = places.filter((place) => place !== undefined)
  if (there.some(({ entry }) => entry.change !== undefined)) throw new SendRefused('refused', id)
  // The group's first: what its members have not got yet, they get no more.
  there.sort((a, b) => Number(isGroup(b.owner)) - Number(isGroup(a.owner)))
  for (const place of there) await deleteAt(context, place, id)
  return there.map(({ owner }) => owner)
}

type Place = { readonly owner: ChatId; readonly entry: Carrier }

/** Undefined: it has vanished there. */
async function found({ store, now }: Context, { recipient, seq }: MessageTrace): Promise<Place | undefined> {
  const [entry] = await store.read(recipient, seq, 1, 1, now)
  return entry?.seq === seq && 'body' in entry ? { owner: recipient, entry } : undefined
}

async function deleteAt({ router, store }: Context, { owner, entry }: Place, id: MessageId): Promise<void> {
  const [chat, from, upTo] = [chatOf(entry), entry.seq, entry.seq]
  if (isGroup(owner)) return store.erase(owner, chat, from, upTo)
  await ask({ router }, id, toUser(owner as UserId), (ticket) => ({ is: 'erase', chat, from, upTo, ticket }) as const)
}
