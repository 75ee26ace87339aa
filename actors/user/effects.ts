/** What a user actor asks of its host. */

import type { CloseCode, ErrorCode } from '../../src/protocol/codes.ts'
import type { Carrier, Entry } from '../../src/protocol/entry.ts'
import type { Lost } from '../../src/protocol/frames.ts'
import type { DeviceId, Millis, Seq, UserId } from '../../src/protocol/ids.ts'
import type { Settings } from '../../src/protocol/settings.ts'
import type { HistoryPosition } from '../../src/store/contract.ts'
import type { Accepted, LogEffect, Ticket } from '../log/types.ts'
import type { SessionRef } from '../session/ref.ts'
import type { KnownChats, ListedChat } from './listing.ts'
import type { Scan, UserMessage, UserTimer } from './messages.ts'
import type { Deletion } from './pending.ts'

/** What a user actor asks of its host. */
export type UserEffect =
  | LogEffect
  /** Read entries from the inbox; answered by `scanned`. */
  | {
      readonly do: 'scan'
      readonly what: Scan
      readonly from: Seq
      readonly limit: number
      readonly bytes: number
    }
  /** Is the entry at `seq` a message of that chat? Answered by `checked`. */
  | { readonly do: 'check'; readonly session: SessionRef; readonly chat: UserId; readonly seq: Seq }
  | {
      readonly do: 'welcome'
      readonly session: SessionRef
      /** As it was then: the log may be renamed before the host performs this. */
      readonly epoch: number
      readonly seq: Seq
      readonly tail: Seq
      /** Why the cursor is not honoured; null: it is. */
      readonly why: Lost | null
      readonly siblings: boolean
      readonly settings: Settings
    }
  | {
      readonly do: 'stands'
      readonly session: SessionRef
      readonly epoch: number
      readonly life: number
      readonly upTo: Seq
      readonly now: number
    }
  | { readonly do: 'live'; readonly session: SessionRef; readonly seq: Seq }
  | { readonly do: 'push'; readonly session: SessionRef; readonly entries: readonly Entry[] }
  /** An early receipt, before it is an entry. */
  | {
      readonly do: 'earlyReceipt'
      readonly session: SessionRef
      readonly peer: UserId
      readonly epoch: number
      readonly delivered: Seq
      readonly read: Seq
    }
  | { readonly do: 'done'; readonly session: SessionRef; readonly chat: UserId; readonly seq: Seq }
  | {
      readonly do: 'refuse'
      readonly session: SessionRef
      readonly kind: 'ack' | 'read' | 'set' | 'ask' | 'remove' | 'delete' | 'history'
      readonly ref: string | null
      readonly code: ErrorCode
    }
  | {
      readonly do: 'confirm'
      readonly session: SessionRef
      readonly kind: 'set' | 'ask' | 'remove' | 'delete' | 'history'
      readonly ref: string
      readonly seq: Seq
      /** Of a deletion. */
      readonly from?: Seq
    }
  | {
      readonly do: 'device'
      readonly session: SessionRef
      readonly device: DeviceId
      readonly connected: boolean
      readonly lastSeen: Millis
    }
  /** Read entries of the inbox for what is told of chats, with `reads` also what was saved as read; answered by `listed`. */
  | {
      readonly do: 'list'
      readonly from: Seq
      readonly limit: number
      readonly bytes: number
      readonly reads: boolean
    }
  /** Which chats have a history up to that entry, and none that was found in the log? Answered by `recollected`. */
  | { readonly do: 'recollect'; readonly known: KnownChats; readonly upTo: Seq }
  | { readonly do: 'chats'; readonly session: SessionRef; readonly chats: readonly ListedChat[] }
  /** A sibling of this device has read a chat; it will come as an entry, too. */
  | { readonly do: 'seen'; readonly session: SessionRef; readonly chat: UserId; readonly upTo: Seq }
  /** What was read of each chat, as it was saved with cursors? Answered by `reads`. */
  | { readonly do: 'reads' }
  /** Write the settings; answered by `settingsSaved`. */
  | { readonly do: 'saveSettings'; readonly settings: Settings }
  /** Which messages of the deletion's chat are in `from` to `upTo`? Answered by `spanFound`. */
  | { readonly do: 'findSpan'; readonly deletion: Deletion; readonly from: Seq; readonly upTo: Seq }
  /** Make gone what the chat has in `from` to `end`, and release its media where nothing is left; answered by `erased`. */
  | { readonly do: 'erase'; readonly deletion: Deletion }
  /** Is the erasure of the user still under way? Answered by `wipeConfirmed`. */
  | { readonly do: 'confirmWipe' }
  /** Take away all that is kept of the user; answered by `wiped`. */
  | { readonly do: 'wipe' }
  /** Read back a chat; answered by `past`. */
  | {
      readonly do: 'history'
      readonly session: SessionRef
      readonly ref: string
      readonly chat: UserId
      readonly before: HistoryPosition | null
      readonly limit: number
      readonly bytes: number
    }
  | { readonly do: 'past'; readonly session: SessionRef; readonly ref: string; readonly entries: readonly Carrier[] }
  /** Tell a device the settings of its user. */
  | { readonly do: 'settings'; readonly session: SessionRef; readonly settings: Settings }
  /** The settings have changed: those who watch this user may see more, or less. */
  | { readonly do: 'settingsChanged'; readonly settings: Settings }
  | { readonly do: 'close'; readonly session: SessionRef; readonly code: CloseCode }
  /** An ack of a device said nothing new. */
  | { readonly do: 'wasted'; readonly session: SessionRef }
  /** This user has several devices from now on: what one sends, the others get a copy of. */
  | { readonly do: 'siblings'; readonly session: SessionRef }
  | { readonly do: 'answer'; readonly ticket: Ticket; readonly answer: Accepted }
  | {
      readonly do: 'tell'
      readonly user: UserId
      readonly message: Extract<UserMessage, { is: 'receipt' | 'receipted' }>
    }
  | { readonly do: 'after'; readonly ms: number; readonly timer: UserTimer }
  /** A message became durable in this inbox; in that log. */
  | { readonly do: 'accepted'; readonly epoch: number; readonly entry: Extract<Entry, { is: 'message' }> }
  /** So many messages were delivered or read that were not before, as far as the actor remembers: for counters. */
  | { readonly do: 'ticked'; readonly delivered: number; readonly read: number }
  /** This user's messages to `peer` were delivered or read up to these seqs. */
  | {
      readonly do: 'receipted'
      readonly peer: UserId
      readonly epoch: number
      readonly delivered: Seq
      readonly read: Seq
    }
