/** A node's media: the store, and what users may do with it. */
import type { Millis, UserId } from '../protocol/ids.ts'
import type { Limits } from '../protocol/limits.ts'
import type { MediaId } from '../protocol/media.ts'
import { Allowance } from './allowance.ts'
import type { MediaStore, Medium } from './contract.ts'

/** How long content stays that was uploaded and that no message has referred to. */
export const sendWithinMs: Millis = 86_400_000

/** Who holds what a user has uploaded and not sent yet. Ids have no control characters, so the parts cannot be confused. */
export const uploadHolder = (user: UserId): string => `upload\0${user}\0`

export class Media {
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
    return this.store.refer(id, uploadHolder(user), now + sendWithinMs)
  }

  /** Whether nothing is being transferred. */
  get quiet(): boolean {
    return this.allowance.transfers === 0
  }
}
