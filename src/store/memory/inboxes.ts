/** What a store in memory holds of logs. */
import { type Carrier, type Entry, type Started, waitsFor } from '../../protocol/entry.ts'
import type { ChatId, MessageId, Seq, UserId } from '../../protocol/ids.ts'
import type { Appended, InboxRecord } from '../contract.ts'

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }
export type Inbox = Writable<Omit<InboxRecord, 'waiting'>> & {
  /** Dense, from the head on. */
  entries: Entry[]
  /** What histories keep, by seq. */
  readonly kept: Map<Seq, Carrier>
  readonly reads: Map<ChatId, Seq>
}

/** What an append was answered; the key is of the log, the sender and the id. */
type Dedupe = Appended & { readonly user: UserId; readonly sender: UserId; readonly id: MessageId }

export class Inboxes {
  readonly all = new Map<UserId, Inbox>()
  readonly dedupe = new Map<string, Dedupe>()

  get(user: UserId): Inbox | undefined {
    return this.all.get(user)
  }

  /** The inbox of a user, which is made with this epoch where there is none. */
  of(user: UserId, epoch: number): Inbox {
    const empty = { head: 1, tail: 0, lastTime: 0, cursors: [], settled: 0, lives: [], was: 0 }
    const known = this.all.get(user) ?? { epoch, ...empty, entries: [], kept: new Map(), reads: new Map() }
    this.all.set(user, known)
    return known
  }

  /** The lowest seq that waits for this kind; 0: none. */
  lowest(user: UserId, is: Started['is']): Seq {
    return this.get(user)?.entries.find((entry) => waitsFor(user, entry) === is)?.seq ?? 0
  }

  remember(dedupe: Dedupe): void {
    this.dedupe.set(keyOf(dedupe.user, dedupe), dedupe)
  }

  repeated(user: UserId, key: Pick<Dedupe, 'sender' | 'id'>): Appended | undefined {
    const found = this.dedupe.get(keyOf(user, key))
    return found && { seq: found.seq, time: found.time }
  }
}

const keyOf = (user: UserId, { sender, id }: Pick<Dedupe, 'sender' | 'id'>): string => `${user} ${sender} ${id}`
