/** What a user actor has under way: receipts, deletions, and changes that are not durable yet. */

import type { DeviceId, Seq, UserId } from '../../src/protocol/ids.ts'
import type { ChatLifetime, Setting, Settings } from '../../src/protocol/settings.ts'
import type { Incoming, Ticket } from '../log/types.ts'
import type { SessionRef } from '../session/ref.ts'

/** Who is told that the entry at `seq` is delivered or read: the sender, or the group, where it stands at `at`. */
export type Sender = { readonly seq: Seq; readonly chat: UserId; readonly at: Seq }

/** `read`: whether it was told as read; what came from the inbox may have been. */
export type Noted = Sender & { read: 'no' | 'maybe' | 'yes' }

/** Messages of a chat: the entry of the first, and where the last stands for its sender. 0: there are none. */
export type Span = { readonly first: Seq; readonly at: Seq }

/** Receipts told to a chat and not confirmed by it, by its own seqs. `first`: the lowest seq of this inbox that they settle. */
export type OutstandingReceipts = {
  first: Seq
  delivered: Seq
  read: Seq
  readers: { readonly session: SessionRef; readonly seq: Seq; readonly at: Seq }[]
}

/** What a peer has of this user's messages, by the peer's log. */
export type Marks = { readonly epoch: number; readonly delivered: Seq; readonly read: Seq }

/** Receipts that came for this user and are not an entry yet. `again`: they may be known. */
export type EarlyReceipt = Marks & { again: boolean }

export type Deletion = {
  /** A device, or a program that waits for the answer. */
  readonly by:
    | { readonly is: 'session'; readonly session: SessionRef }
    | { readonly is: 'program'; readonly ticket: Ticket }
  readonly chat: UserId
  readonly from: Seq
  /** As it was asked for, and what there is of it. */
  readonly upTo: Seq
  readonly end: Seq
  /** How far the chat has to confirm that it is delivered, by its own seqs; 0: it waits for nothing. */
  waits: Seq
  /** Whether the entry that tells the other devices is being written. */
  written: boolean
}

/** Devices whose removal is not durable, and which save it goes with. */
export type Removal = { readonly session: SessionRef; readonly device: DeviceId; readonly save: number }

export type Change =
  | { readonly session: SessionRef; readonly ref: string; readonly setting: Setting }
  /** Of a message that waits for it. */
  | { readonly lifetime: ChatLifetime; readonly message: Incoming }
  /** Of a device, by another one. */
  | { readonly session: SessionRef; readonly removes: DeviceId }

/** The first `writing` of the changes are being written, and make `next`. */
export type Changes = { readonly all: Change[]; writing: number; next: Settings }

/** Chats read up to `upTo`, of which the entry up to `writing` is being appended; and who waits for it. `again`: it may be known. */
export type UnsharedReads = {
  readonly chats: Map<UserId, { upTo: Seq; writing: Seq; again: boolean }>
  waiting: { readonly session: SessionRef; readonly chat: UserId; readonly seq: Seq }[]
}
