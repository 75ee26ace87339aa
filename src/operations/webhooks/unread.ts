/**
 * How many messages of a chat a user has read on no device. It is kept from one event of a user to the next: an entry is looked at once for
 * all events of a time in which nobody came or went, and not up to a thousand for each message to somebody who is away.
 */
import { type KnownInbox, type NodeRouter, toUser } from '../../../actors/addresses.ts'
import { wakes } from '../../embed/hooks.ts'
import { chatOf, type Entry } from '../../protocol/entry.ts'
import type { ChatId, Millis, Seq, UserId } from '../../protocol/ids.ts'
import { type Clock, othersTurn } from '../../runtime/index.ts'
import type { LogStore } from '../../store/contract.ts'

type Context = {
  readonly router: NodeRouter
  readonly store: Pick<LogStore, 'read'>
  readonly clock: Pick<Clock, 'now' | 'monotonic' | 'soon'>
}
type Unread = { readonly seq: Seq; readonly expires: Millis }
/** Of a user: what is known of entries before `next`, of the chats that were asked for. */
type Kept = {
  /** Which log it is, and how its devices came and went last. What these delete by themselves is looked at anew when they leave. */
  readonly mark: string
  readonly since: Millis
  next: Seq
  readonly read: Map<ChatId, Seq>
  readonly chats: Map<ChatId, Unread[]>
}

/** Entries that are looked through for what is unread, so that who was away for weeks costs no more; and how many at a time. */
const [lookedThrough, page] = [1_000, 100]
/** Users that are remembered, and for how long: what leaves for its age meanwhile still counts. */
const [remembered, keptMs] = [1_000, 3_600_000]

export class UnreadCounts {
  readonly #context: Context
  readonly #users = new Map<UserId, Kept>()

  constructor(context: Context) {
    this.#context = context
  }

  /** Messages of the chat up to the entry `seq` of the user's inbox. Events of one user come one after the other. */
  async count(user: UserId, chat: ChatId, seq: Seq): Promise<number> {
    const { router, clock } = this.#context
    const inbox = await router.query(toUser(user), 'inbox')
    // Its user's actor may not know of it yet, or of many more.
    const end = Math.max(seq, Math.min(inbox?.tail ?? 0, seq + lookedThrough))
    const kept = await this.#kept(user, inbox, end)
    for await (const entry of this.#entries(user, kept.next, end)) {
      this.#take(kept, user, entry)
      // Where the next page cannot be read, this one is not taken again.
      kept.next = entry.seq + 1
    }
    kept.next = Math.max(kept.next, end + 1)
    const known = kept.chats.get(chat) ?? (await this.#lookBack(kept, user, chat, Math.max(0, seq - lookedThrough)))
    const left = known.filter((message) => message.seq > seq - lookedThrough)
    kept.chats.set(chat, left)
    const [read, now] = [kept.read.get(chat) ?? 0, clock.now()]
    return left.filter((message) => message.seq <= seq && message.seq > read && message.expires > now).length
  }

  async #kept(user: UserId, inbox: KnownInbox | undefined, end: Seq): Promise<Kept> {
    const { router, clock } = this.#context
    const devices = inbox?.devices ?? []
    const mark = JSON.stringify([inbox?.epoch, devices.map(({ device, seenAt }) => [device, seenAt])])
    const known = this.#users.get(user)
    const isGood = known?.mark === mark && clock.monotonic() - known.since < keptMs
    const kept = isGood
      ? known
      : { mark, since: clock.monotonic(), next: end + 1, read: new Map<ChatId, Seq>(), chats: new Map() }
    const mayHaveRead = !isGood || devices.some(({ connected }) => connected)
    if (mayHaveRead) for (const [chat, upTo] of await router.query(toUser(user), 'reads')) markRead(kept, chat, upTo)
    this.#users.delete(user)
    this.#users.set(user, kept)
    if (this.#users.size > remembered) this.#users.delete(this.#users.keys().next().value as UserId)
    return kept
  }

  #take(kept: Kept, user: UserId, entry: Entry): void {
    if (entry.is === 'seen') return markRead(kept, entry.chat, entry.upTo)
    if (entry.is === 'deleted') {
      const { chat, from, upTo } = entry
      const left = kept.chats.get(chat)?.filter(({ seq }) => seq < from || seq > upTo)
      return left && void kept.chats.set(chat, left)
    }
    if (entry.is === 'message' && wakes(entry, user)) kept.chats.get(chatOf(entry))?.push(unread(entry))
  }

  /** From the latest back to one that is read. */
  async #lookBack(kept: Kept, user: UserId, chat: ChatId, least: Seq): Promise<Unread[]> {
    const found: Unread[] = []
    const lowest = () => Math.max(kept.read.get(chat) ?? 0, least)
    for (let end = kept.next - 1; end > lowest(); end -= page) {
      const some: Unread[] = []
      for await (const entry of this.#entries(user, Math.max(lowest(), end - page) + 1, end)) {
        if (entry.is === 'seen') markRead(kept, entry.chat, entry.upTo)
        else if (entry.is === 'message' && wakes(entry, user) && chatOf(entry) === chat) some.push(unread(entry))
      }
      found.unshift(...some)
    }
    return found
  }

  /** Page by page; between two others have their turn. */
  async *#entries(user: UserId, from: Seq, upTo: Seq): AsyncGenerator<Entry> {
    const { store, clock } = this.#context
    for (let first = from; first <= upTo; first += page) {
      yield* await store.read(user, first, Math.min(page, upTo - first + 1), Number.MAX_SAFE_INTEGER, clock.now())
      if (upTo > first) await othersTurn(clock)
    }
  }
}

const unread = ({ seq, expires }: Extract<Entry, { is: 'message' }>): Unread => ({ seq, expires: expires ?? Infinity })

function markRead({ read }: Kept, chat: ChatId, upTo: Seq): void {
  read.set(chat, Math.max(upTo, read.get(chat) ?? 0))
}
