/** A node's media: the store, and what users may do with it. */
import type { MediaRef, MessageId, Millis, UserId } from '../protocol/ids.ts'
import type { Limits } from '../protocol/limits.ts'
import { type MediaId, mayBeCalled } from '../protocol/media.ts'
import type { ClockFace } from '../runtime/index.ts'
import { Allowance } from './allowance.ts'
import type { MediaStore, Medium } from './contract.ts'

/** How long content stays that was uploaded and that no message has referred to; and that of a message which is on its way. */
const sendWithinMs: Millis = 86_400_000

/** References end on the hour: a group in which the same content is sent again and again writes one an hour. */
const hourMs = 3_600_000
/** Stores remove entries by the day, so that one may stay a day longer than the retention time; and it is appended a moment after. */
const slackMs = 25 * hourMs

/**
 * Who holds what a user has uploaded and not sent yet. Ids have no control characters, so the parts cannot be confused. Not by a
 * zero between them: keys of LMDB hold one in short strings only, and split longer ones there.
 */
export const uploadHolder = (user: UserId): string => `upload\n${user}\n`

/** Who holds what a message carries from its admission until it is appended. */
export const sendHolder = (from: UserId, id: MessageId): string => `send\n${from}\n${id}`

/** Who holds what the messages of a user's chat carry: their copy of the chat. Released when they delete it. */
export const chatHolder = (user: UserId, chat: string): string => `chat\n${user}\n${chat}\n`

/** The same for one message. */
export const messageHolder = (user: UserId, chat: string, id: MessageId): string => chatHolder(user, chat) + id

/** What is held in the name of a user begins so. What a message holds that is on its way ends by itself. */
export const holdersOf = (user: UserId): readonly string[] =>
  ['chat', 'passing', 'upload'].map((kind) => `${kind}\n${user}\n`)

export class NodeMedia {
  readonly store: MediaStore
  readonly limits: Limits
  readonly allowance: Allowance
  readonly clock: ClockFace
  /** Bytes that uploads brought and downloads took. */
  readonly traffic = { received: 0, sent: 0 }
  /** Uploads under way, by user and announced id. */
  readonly underWay = new Set<string>()

  constructor(store: MediaStore, limits: Limits, clock: ClockFace) {
    this.store = store
    this.limits = limits
    this.allowance = new Allowance(limits, clock)
    this.clock = clock
  }

  /** Content that is here already counts as uploaded by this user too. */
  known(user: UserId, id: MediaId): Promise<Medium | undefined> {
    return this.store.refer(id, [uploadHolder(user)], this.dayFromNow)
  }

  /**
   * Keeps what a message carries until it is appended, for a day at most. Answers why the message may not carry it; undefined
   * where it may.
   */
  async attach({ media, type, size }: MediaRef, from: UserId, message: MessageId) {
    const id = media as MediaId
    try {
      const found = await this.store.find(id)
      if (found && (found.size !== size || !mayBeCalled(found.type, type))) return 'wrong_media'
      if (!(await this.store.refer(id, [sendHolder(from, message)], this.dayFromNow))) return 'unknown_media'
      await this.store.release(uploadHolder(from), id)
      return undefined
    } catch {
      return 'busy'
    }
  }

  /** Until when a message that is appended now keeps what it carries, where nothing else is said. */
  get keptUntil(): Millis {
    return Math.ceil((this.clock.now() + this.store.retentionMs + slackMs) / hourMs) * hourMs
  }

  /** Until when content is held that no message has yet. */
  get dayFromNow(): Millis {
    return this.clock.now() + sendWithinMs
  }

  /** Whether nothing is being transferred. */
  get quiet(): boolean {
    return this.allowance.transfers === 0
  }
}

/** Content as it is read for a download, counted. */
export async function* sent(media: NodeMedia, id: MediaId, first: number, last: number): AsyncGenerator<Uint8Array> {
  for await (const bytes of media.store.read(id, first, last)) {
    media.traffic.sent += bytes.length
    yield bytes
  }
}

/** Whether the media that a message carries is here; it stays until the message is appended. */
export async function attachTo(media: NodeMedia | undefined, carried: MediaRef, from: UserId, id: MessageId) {
  return media ? media.attach(carried, from, id) : 'unknown_media'
}
