/**
 * Media of messages that vanish. When one does is not known when it is appended, and of a row that fades nobody is told; so
 * who holds its media is looked at again and again, and released when the message lives no more. There is nothing that a
 * crash could make it forget.
 */
import type { Carrier } from '../protocol/entry.ts'
import type { MessageId, Millis, UserId } from '../protocol/ids.ts'
import type { MediaId } from '../protocol/media.ts'
import type { HistoryPosition, HistoryStore, LogStore } from '../store/contract.ts'
import { messageHolder, type NodeMedia } from './media.ts'

/** Does something while nothing is appended to an inbox. */
type Inboxes = { alone<T>(user: UserId, task: () => Promise<T>): Promise<T> }
type StillOf = (user: UserId) => (() => Promise<void> | undefined) | undefined
type Hold = { readonly holder: string; readonly id: MediaId }

const kind = 'passing\n'
/** What a chat of a user holds, or one message of it. */
export const vanishingOf = (user: UserId, chat: UserId, id?: MessageId): string =>
  `${kind}${user}\n${chat}\n${id === undefined ? '' : `${id}\n`}`
/** Who holds what a message carries for as long as it lives: it says where that stands. */
export const vanishingHolder = (user: UserId, chat: UserId, { id, seq, time }: Carrier): string =>
  `${vanishingOf(user, chat, id)}${seq}\n${time}`

/** Younger ones are not looked at: their append may be under way, and be repeated until it succeeds. */
const youngMs = 3_600_000
/** Holders that one call looks at. */
const slice = 200

/** Looks after what vanishing messages hold, slice by slice, and then from the start. */
export class Vanishing {
  readonly #store: LogStore & HistoryStore
  readonly #media: NodeMedia
  readonly #inboxes: Inboxes
  readonly #stillOf: StillOf
  #walk: AsyncIterator<Hold> | undefined

  /** `stillOf`: what says whether the inbox of a user is this node's still; undefined: it is not. */
  constructor(
    store: LogStore & HistoryStore,
    media: NodeMedia,
    inboxes: Inboxes,
    stillOf: StillOf = () => () => undefined,
  ) {
    this.#store = store
    this.#media = media
    this.#inboxes = inboxes
    this.#stillOf = stillOf
  }

  /** Answers how many it looked at; 0: it has come to the end. */
  async look(now: Millis): Promise<number> {
    this.#walk ??= this.#media.store.held(kind)[Symbol.asyncIterator]()
    const walk = this.#walk
    for (let looked = 0; looked < slice; looked++) {
      const next = await walk.next().catch(this.#fail)
      if (next.done) {
        this.#walk = undefined
        return 0
      }
      await this.#lookAt(next.value, now).catch(this.#fail)
    }
    return slice
  }

  /** Begins anew after a failure. */
  readonly #fail = (error: unknown): never => {
    this.#walk = undefined
    throw error
  }

  async #lookAt({ holder, id: content }: Hold, now: Millis): Promise<void> {
    const [, user, chat, id, seq, time] = holder.split('\n') as [string, UserId, UserId, MessageId, string, string]
    const still = this.#stillOf(user)
    if (now - Number(time) < youngMs || !still) return
    await this.#inboxes.alone(user, async () => {
      if (await lives(this.#store, user, chat, id, { seq: Number(seq), time: Number(time) }, now)) return
      await this.#media.store.release(messageHolder(user, chat, id), content, still)
      await this.#media.store.release(holder, content, still)
    })
  }
}

/** Whether a message is in that place of the inbox still, or of the history. */
async function lives(
  store: LogStore & HistoryStore,
  user: UserId,
  chat: UserId,
  id: MessageId,
  { seq, time }: HistoryPosition,
  now: Millis,
): Promise<boolean> {
  const [entry] = await store.read(user, seq, 1, 1, now)
  if (entry?.seq === seq && 'body' in entry && entry.id === id) return true
  const [kept] = await store.history(user, chat, { time, seq: seq + 1 }, 1, 1)
  return kept?.id === id
}
