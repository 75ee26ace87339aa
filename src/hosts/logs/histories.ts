/** Chats of which the inbox has nothing any more, and the history has. */
import { newestIs } from '../../../actors/user/chats.ts'
import type { KnownChats, PastChat } from '../../../actors/user/listing.ts'
import type { ChatId, Seq, UserId } from '../../protocol/ids.ts'
import { isQuiet } from '../../protocol/sealed.ts'
import { type Clock, othersTurn } from '../../runtime/index.ts'
import type { HistoryPosition, HistoryStore, PeopleStore } from '../../store/contract.ts'

type Histories = HistoryStore & Pick<PeopleStore, 'histories'>

/** Histories that are looked at side by side; after that others have their turn. */
const atOnce = 16
/** Bytes of bodies that are read of one, where its newest messages are quiet. */
const pageBytes = 64 * 1024

/** Those of which no entry was found in the log. What has come behind `upTo` the actor does not know of yet. */
export async function pastChats(
  store: Histories,
  clock: Pick<Clock, 'soon'>,
  user: UserId,
  known: KnownChats,
  upTo: Seq,
): Promise<readonly PastChat[]> {
  const chats = (await store.histories(user)).filter((chat) => !known.get(chat)?.seq)
  const past: PastChat[] = []
  for (let at = 0; at < chats.length; at += atOnce) {
    const found = await Promise.all(chats.slice(at, at + atOnce).map((chat) => newestOf(store, user, chat, upTo)))
    past.push(...found.flatMap((chat) => chat ?? []))
    await othersTurn(clock)
  }
  return past
}

/** The newest message that somebody would see; undefined: there is none. */
async function newestOf(store: HistoryStore, user: UserId, chat: ChatId, upTo: Seq): Promise<PastChat | undefined> {
  let before: HistoryPosition = { time: Number.MAX_SAFE_INTEGER, seq: upTo + 1 }
  for (let limit = 1; ; limit = 100) {
    const page: Awaited<ReturnType<HistoryStore['history']>> = await store.history(user, chat, before, limit, pageBytes)
    const newest = page.find(({ body }) => !isQuiet(body))
    if (newest) return { chat, ...newestIs(newest) }
    const last = page.at(-1)
    if (!last) return undefined
    before = last
  }
}
