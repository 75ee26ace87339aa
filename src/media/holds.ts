/** Media of messages: who holds what an entry carries, and until when, so that no message outlives its media, nor media its messages. */
import { type Carrier, chatOf, type Entry, isKept, waitsFor } from '../protocol/entry.ts'
import { isGroup, type MessageId, type Millis, type UserId } from '../protocol/ids.ts'
import { timerOf } from '../protocol/lifetime.ts'
import type { MediaId } from '../protocol/media.ts'
import { Serial } from '../runtime/serial.ts'
import { untilReleased } from './contract.ts'
import { chatHolder, holdersOf, messageHolder, type NodeMedia, sendHolder } from './media.ts'
import { vanishingHolder, vanishingOf } from './vanishing.ts'

/** What a message holds. */
export type Held = { readonly id: MessageId; readonly content: MediaId }

const contentOf = ({ media }: Carrier): MediaId => media?.media as MediaId
const hasMedia = (entry: Entry): entry is Carrier => 'body' in entry && entry.media !== undefined

type Still = () => Promise<void> | undefined

export class Holds {
  readonly #media: NodeMedia | undefined
  /** By inbox: what is held for entries that are being appended must not be released, though nobody finds them yet. */
  readonly #appends = new Serial<UserId>()

  constructor(media: NodeMedia | undefined) {
    this.#media = media
  }

  /** Whether there is any media. */
  get any(): boolean {
    return this.#media !== undefined
  }

  /** Whether something is to be held before these entries are appended. */
  concern(entries: readonly Entry[]): boolean {
    return this.#media !== undefined && entries.some(hasMedia)
  }

  /** Appends entries to an inbox, or to the log of a group. What they carry is held before that, also where they are appended again. */
  append(user: UserId, entries: readonly Entry[], write: () => Promise<void>): Promise<void> {
    const media = this.#media
    if (!media || !entries.some(hasMedia)) return write()
    const carriers = entries.filter(hasMedia)
    return this.alone(user, async () => {
      const until = media.keptUntil
      const holds = carriers.flatMap((entry) =>
        holdsOf(user, entry, until).map(([holder, until]) => media.store.refer(contentOf(entry), [holder], until)),
      )
      await Promise.all(holds)
      await write()
      // What fails here ends by itself within a day.
      for (const entry of carriers)
        if (isFirst(entry))
          media.store.release(sendHolder(entry.from, entry.id), contentOf(entry)).catch(() => undefined)
    })
  }

  /** Does something while nothing is appended to that inbox. */
  alone<T>(user: UserId, task: () => Promise<T>): Promise<T> {
    return this.#appends.run(user, task)
  }

  /** Before a permanent message is made gone: were what it holds not released then, it stayed for ever. */
  async holdVanishing(user: UserId, entry: Carrier): Promise<void> {
    const media = this.#media
    if (media && entry.media)
      await media.store.refer(contentOf(entry), [vanishingHolder(user, chatOf(entry), entry)], media.dayFromNow)
  }

  /** Takes away what a user has, and releases all that is held for it; nothing is appended meanwhile. `still`: whether their inbox is this node's. */
  wipe(user: UserId, task: () => Promise<void>, still: Still): Promise<void> {
    return this.alone(user, async () => {
      await task()
      const store = this.#media?.store
      if (!store) return
      for (const holder of holdersOf(user)) await store.release(holder, undefined, still)
      await store.abandon(user)
    })
  }

  /** Releases what these messages of a chat hold, which are gone; where nothing is left of the chat, all that it holds. */
  async release(
    user: UserId,
    chat: UserId,
    gone: readonly Held[],
    isLeft: () => Promise<boolean>,
    still: Still,
  ): Promise<void> {
    const media = this.#media
    if (!media) return
    await this.alone(user, async () => {
      if (!(await isLeft())) {
        await media.store.release(chatHolder(user, chat), undefined, still)
        return media.store.release(vanishingOf(user, chat), undefined, still)
      }
      for (const { id, content } of gone) {
        await media.store.release(messageHolder(user, chat, id), content, still)
        await media.store.release(vanishingOf(user, chat, id), content, still)
      }
    })
  }
}

/** Whether this is the message itself, and not a copy of it: a member's of what stands in the log of the group, or its sender's. */
const isFirst = (entry: Carrier): entry is Extract<Carrier, { is: 'message' }> =>
  entry.is === 'message' && entry.place === undefined

/**
 * Who holds what an entry carries, and until when. Where its timer waits nobody knows yet when it vanishes: that is looked after
 * (vanishing.ts). In a group the log holds it for the members; where it vanishes from the log as soon as they have it, each does.
 */
function holdsOf(user: UserId, entry: Carrier, until: Millis): (readonly [string, Millis])[] {
  const chat = isGroup(user) ? user : chatOf(entry)
  const own = messageHolder(user, chat, entry.id)
  const isOwn = entry.is === 'copy' && !isGroup(chat)
  const holds: (readonly [string, Millis])[] = []
  if (waitsFor(user, entry)) holds.push([vanishingHolder(user, chat, entry), until])
  else if (entry.expires !== undefined) holds.push([own, Math.min(entry.expires, until)])
  else if (isKept(user, entry)) holds.push([own, untilReleased])
  else if (isGroup(user)) holds.push([chatHolder(user, user), until])
  // The sender's copy, too: what they deleted of the chat before it came has released what was held for it (`senderHolds`).
  else if (isOwn || isFirst(entry)) holds.push([own, until])
  return isFirst(entry) ? [...holds, ...senderHolds(user, entry, until)] : holds
}

/** The sender has it on their devices, for as long as messages stay in that chat. In a group the log holds it for them. */
function senderHolds(user: UserId, { from, id, time, lifetime }: Carrier & { readonly from: UserId }, until: Millis) {
  const timer = timerOf(lifetime ?? '')
  if (!timer && (isGroup(user) || lifetime === 'temporary')) return []
  return [[messageHolder(from, user, id), timer ? Math.min(time + timer.ms, until) : until] as const]
}
