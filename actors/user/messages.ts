/** What a user actor is told: by sessions, by other actors, by programs, and by its host in answer to what it asked. */

import type { Carrier, Entry } from '../../src/protocol/entry.ts'
import type { Asked } from '../../src/protocol/frames.ts'
import type { DeviceId, Millis, Seq, UserId } from '../../src/protocol/ids.ts'
import type { Setting } from '../../src/protocol/settings.ts'
import type { HistoryPosition, Reads } from '../../src/store/contract.ts'
import type { Incoming, LogAnswer, LogTimer, Presented, Ticket } from '../log/types.ts'
import type { SessionRef } from '../session/ref.ts'
import type { KnownChats, PastChat } from './listing.ts'
import type { Deletion, Span } from './pending.ts'

/** One user's mailbox made durable. */
export type UserMessage =
  | Incoming
  | LogAnswer
  | {
      readonly is: 'attach'
      readonly session: SessionRef
      readonly device: DeviceId
      readonly cursor: Presented | null
      /** When the token was made that the device has shown; missing: it does not say. */
      readonly issuedAt?: Millis | undefined
      /** It was welcomed by this actor's former life. */
      readonly welcomed?: true
      /** It was welcomed by this user's actor on another node: it takes no other session's place. */
      readonly again?: true
    }
  | { readonly is: 'detach'; readonly session: SessionRef }
  /** From a session of a sender: does what was told of this log still hold? `life`: as the client names it. */
  | { readonly is: 'stand'; readonly session: SessionRef; readonly at: Presented; readonly life: number }
  /** The answer to `scan`; null: the store did not answer. */
  | { readonly is: 'scanned'; readonly what: Scan; readonly from: Seq; readonly entries: readonly Entry[] | null }
  | { readonly is: 'ack'; readonly session: SessionRef; readonly seq: Seq }
  | { readonly is: 'read'; readonly session: SessionRef; readonly chat: UserId; readonly seq: Seq }
  /** The answer to `check`; null: the store did not answer. */
  | {
      readonly is: 'checked'
      readonly session: SessionRef
      readonly chat: UserId
      readonly seq: Seq
      /** Where the message stands for its sender; 0: it is not of that chat. */
      readonly at: Seq | null
    }
  /** From the actor of `from`: this user's messages to them are delivered and read up to these seqs of log `epoch`. */
  | {
      readonly is: 'receipt'
      readonly from: UserId
      readonly epoch: number
      readonly delivered: Seq
      readonly read: Seq
      /** It may have been told before. */
      readonly again: boolean
      /** Somebody waits until it is durable. */
      readonly awaited?: boolean
      /** To a group: whom they have blocked, and who is not to be told. */
      readonly hides?: readonly UserId[]
    }
  /** From the actor of `peer`: the receipts up to these seqs are durable there. */
  | { readonly is: 'receipted'; readonly peer: UserId; readonly delivered: Seq; readonly read: Seq }
  /** A device changes a setting, which it calls `ref`. */
  | { readonly is: 'set'; readonly session: SessionRef; readonly ref: string; readonly setting: Setting }
  /** The answer to `reads`; null: the store did not answer. */
  | { readonly is: 'reads'; readonly reads: Reads | null }
  /** The answer to `saveSettings`. */
  | { readonly is: 'settingsSaved'; readonly ok: boolean }
  | { readonly is: 'ask'; readonly session: SessionRef; readonly what: Asked }
  /** The answer to `list`; null: the store did not answer. */
  | {
      readonly is: 'listed'
      readonly from: Seq
      readonly entries: readonly Entry[] | null
      readonly reads: Reads | null
    }
  /** The answer to `recollect`; null: the store did not answer. */
  | { readonly is: 'recollected'; readonly known: KnownChats; readonly past: readonly PastChat[] | null }
  | { readonly is: 'remove'; readonly session: SessionRef; readonly device: DeviceId }
  | {
      readonly is: 'delete'
      readonly session: SessionRef
      readonly chat: UserId
      readonly from: Seq
      readonly upTo: Seq
    }
  /** As `delete`, from a program. */
  | { readonly is: 'erase'; readonly ticket: Ticket; readonly chat: UserId; readonly from: Seq; readonly upTo: Seq }
  /** From operators: all that is kept of the user goes. */
  | { readonly is: 'wipe'; readonly ticket: Ticket }
  /** The answer to `confirmWipe`; null: the store did not answer. */
  | { readonly is: 'wipeConfirmed'; readonly isUnderWay: boolean | null }
  /** The answer to `wipe`. */
  | { readonly is: 'wiped'; readonly ok: boolean }
  /** The answer to `findSpan`; null: the store did not answer. */
  | { readonly is: 'spanFound'; readonly deletion: Deletion; readonly found: Span | null }
  /** The answer to `erase`. */
  | { readonly is: 'erased'; readonly deletion: Deletion; readonly ok: boolean }
  | {
      readonly is: 'history'
      readonly session: SessionRef
      readonly ref: string
      readonly chat: UserId
      readonly before: HistoryPosition | null
      readonly limit: number
    }
  /** The answer to `history`; null: the store did not answer. */
  | {
      readonly is: 'past'
      readonly session: SessionRef
      readonly ref: string
      readonly entries: readonly Carrier[] | null
    }
  | { readonly is: 'timer'; readonly timer: UserTimer }

export type UserTimer = LogTimer | 'receipts' | 'awaited' | 'retell' | 'chats' | 'wipe'

/** What entries are read for: whose messages they are, to tell them; or which receipts and reads are there already. */
export type Scan = 'senders' | 'known'
