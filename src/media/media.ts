/** A node's media: the store, and what users may do with it. */
import type { MediaRef, MessageId, Millis, UserId } from '../protocol/ids.ts'
import type { Limits } from '../protocol/limits.ts'
import { type MediaId, mayBeCalled } from '../protocol/media.ts'
import { Allowance } from './allowance.ts'
import type { MediaStore, Medium } from './contract.ts'

/** How long content stays that was uploaded and that no message has referred to. */
export const sendWithinMs: Millis = 86_400_000

/** References end on the hour: a group in which the same content is sent again and again writes one an hour. */
const hourMs = 3_600_000
/** Stores remove entries by the day, so that one may stay a day longer than the retention time; and it is appended a moment after. */
const slackMs = 25 * hourMs

/** Who holds what a user has uploaded and not sent yet. Ids have no control characters, so the parts cannot be confused. */
export const uploadHolder = (user: UserId): string => `upload\0${user}\0`

/** Who holds what the messages of a user's chat carry: their copy of the chat. Released when they delete it. */
export const chatHolder = (user: UserId, chat: string): string => `chat\0${user}\0${chat}\0`

/** The same for one message. */
export const messageHolder = (user: UserId, chat: string, id: MessageId): string => chatHolder(user, chat) + id

export class NodeMedia {
  readonly store: MediaStore
  readonly limits: Limits
  readonly allowance: Allowance
  /** Uploads under way, by user and announced id. */
  readonly underWay = new Set<string>()

  constructor(store: MediaStore, limits: Limits) {
    this.store = store
    this.limits = limits
    this.allowance = new Allowance(limits)
  }

  /** Content that is here already counts as uploaded by this user too. */
  known(user: UserId, id: MediaId, now: Millis): Promise<Medium | undefined> {
    return this.store.refer(id, [uploadHolder(user)], now + sendWithinMs)
  }

  /**
   * Keeps what a message carries for its holders, before the message is accepted: so no message outlives its media, and one that
   * is refused later leaves a reference too many. Answers why the message may not carry it; undefined where it may.
   */
  async attach({ media, type, size }: MediaRef, from: UserId, holders: readonly string[], now: Millis) {
    const id = media as MediaId
    try {
      const found = await this.store.find(id)
      if (found && (found.size !== size || !mayBeCalled(found.type, type))) return 'wrong_media'
      const until = Math.ceil((now + this.store.retentionMs + slackMs) / hourMs) * hourMs
      if (!(await this.store.refer(id, holders, until))) return 'unknown_media'
      await this.store.release(uploadHolder(from), id)
      return undefined
    } catch {
      return 'busy'
    }
  }

  /** Whether nothing is being transferred. */
  get quiet(): boolean {
    return this.allowance.transfers === 0
  }
}
