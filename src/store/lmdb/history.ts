/** Histories of chats. Their rows are put when the entries come to the inbox, and leave when they are erased. */
import type { Carrier } from '../../protocol/entry.ts'
import type { ChatId, UserId } from '../../protocol/ids.ts'
import type { HistoryPosition } from '../contract.ts'
import { unpackRow } from './packed.ts'
import { lastId, lastSeq, type Tables } from './tables.ts'

/** `time` never falls along an inbox: to be in order of seqs is to be in order of time. */
export function readHistory(
  { history }: Tables,
  user: UserId,
  chat: UserId,
  before: HistoryPosition | null,
  limit: number,
  bytes: number,
): Carrier[] {
  const page: Carrier[] = []
  let size = 0
  const start = [user, chat, before ? before.seq - 1 : lastSeq] as [string, string, number]
  for (const { value } of history.getRange({ start, end: [user, chat, 0], limit, reverse: true })) {
    const [entry] = unpackRow(value) as [Carrier]
    size += entry.body.length
    if (size > bytes && page.length > 0) break
    page.push(entry)
  }
  return page
}

/** The chats of which there is a history: one look-up for each. */
export function* chatsOf({ history }: Tables, user: UserId): Generator<ChatId> {
  for (let last = ''; ; ) {
    const [key] = history.getKeys({ start: [user, last, lastSeq], end: [user, lastId, 0], limit: 1 })
    if (!key) return
    last = key[1]
    yield last as ChatId
  }
}

/** What the histories of a user keep of entries that have left the inbox, chat by chat. */
export function* pastOf({ history, logs }: Tables, user: UserId): Generator<Carrier> {
  const head = logs.get(user)?.head ?? 1
  for (const { key, value } of history.getRange({ start: [user, '', 0], end: [user, lastId, 0] }))
    if (key[2] < head) yield* unpackRow(value) as Carrier[]
}
