/** Users as a whole, for operators who list them, and hand out or erase what is kept of one. */
import type { ChatId, UserId } from '../../protocol/ids.ts'

export interface PeopleStore {
  /**
   * Up to `limit` ids of users and groups of whom there is a log, or cursors, each once, in an order that is the store's own: those behind
   * `after`, or the first. Empty: there are no more. One that comes meanwhile may be left out.
   */
  owners(after: ChatId | null, limit: number): Promise<readonly ChatId[]>

  /** The chats of which a user's history keeps anything, in any order; also some of which all was deleted. */
  histories(user: UserId): Promise<readonly ChatId[]>

  /**
   * Takes away what is kept of a user: entries, histories, cursors, what was read, settings, when they were last seen, public keys. It stays
   * who is banned, how long the inbox is and how it is called, so that no seq is given twice, and for their time the marks by which repeats
   * are recognised. What is read afterwards of the inbox has expired, or is `gone`. Nothing is appended or saved for the user meanwhile.
   * Durable when it resolves; may be repeated, and must be after a rejection. Takes long where there is much, in bounded slices.
   */
  wipe(user: UserId): Promise<void>

  /** Users whose erasure has begun and is not over, in any order. */
  erasures(): Promise<readonly UserId[]>
  /** Notes that the erasure of a user begins, or is over. Durable when it resolves; may be repeated after a rejection. */
  saveErasure(user: UserId, underWay: boolean): Promise<void>
}
