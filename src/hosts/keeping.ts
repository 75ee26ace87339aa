/** Media of chats: in permanent ones it stays as long as the history of a party, which may be for ever. */
import { untilReleased } from '../media/contract.ts'
import { Lines } from '../media/lines.ts'
import { chatHolder, messageHolder, type NodeMedia } from '../media/media.ts'
import type { MessageId, UserId } from '../protocol/ids.ts'
import type { MediaId } from '../protocol/media.ts'
import type { Entry } from '../store/contract.ts'
import { chatOf, isKept } from '../store/lasting.ts'

/** What a message holds. */
export type Held = { readonly id: MessageId; readonly content: MediaId }

export class Keeping {
  readonly #media: NodeMedia | undefined
  /** By user: what is held for entries that are being appended must not be released, though nobody finds them yet. */
  readonly #lines = new Lines()

  constructor(media: NodeMedia | undefined) {
    this.#media = media
  }

  /** Appends entries. What they carry into the user's histories is held before that, so that no message outlives its media. */
  append(user: UserId, entries: readonly Entry[], write: () => Promise<void>): Promise<void> {
    const media = this.#media
    if (!media || !entries.some((entry) => isKept(user, entry) && entry.media)) return write()
    const hold = (entry: Entry) =>
      isKept(user, entry) && entry.media
        ? media.store.refer(entry.media.media as MediaId, [messageHolder(user, chatOf(entry), entry.id)], untilReleased)
        : undefined
    return this.#lines.run(user, () => Promise.all(entries.map(hold)).then(write))
  }

  /** Whether there is any media. */
  get any(): boolean {
    return this.#media !== undefined
  }

  /** Releases what these messages of a chat hold, which are gone; where nothing is left of the chat, all that it holds. */
  async release(user: UserId, chat: UserId, gone: readonly Held[], isLeft: () => Promise<boolean>): Promise<void> {
    const media = this.#media
    if (!media) return
    await this.#lines.run(user, async () => {
      if (!(await isLeft())) return media.store.release(chatHolder(user, chat))
      for (const { id, content } of gone) await media.store.release(messageHolder(user, chat, id), content)
    })
  }
}
