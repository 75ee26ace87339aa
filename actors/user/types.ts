/** What a user actor is told, what it keeps, and what it asks of its host. */

import type { CloseCode, ErrorCode } from '../../src/protocol/codes.ts'
import type { Carrier, Entry } from '../../src/protocol/entry.ts'
import type { Asked, Lost } from '../../src/protocol/frames.ts'
import type { ChatId, DeviceId, Millis, Seq, UserId } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import type { ChatLifetime, Setting, Settings } from '../../src/protocol/settings.ts'
import type { HistoryPosition, Reads } from '../../src/store/contract.ts'
import type {
  Accepted,
  Draft,
  Incoming,
  LogAnswer,
  LogEffect,
  LogEvent,
  LogLimits,
  LogState,
  LogTimer,
  LogTurn,
  Presented,
  Ticket,
} from '../log/types.ts'
import type { Turn } from '../turn.ts'

/** Names a session of this node; 0 is none. Never used again for another session. */
export type SessionRef = number

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
  /** The answer to `keep`. */
  | { readonly is: 'kept'; readonly ok: boolean }
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
  /** The answer to `look`; null: the store did not answer. */
  | { readonly is: 'looked'; readonly deletion: Deletion; readonly found: Span | null }
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
type Scan = 'senders' | 'known'

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
      readonly do: 'news'
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
  /** Write the settings; answered by `kept`. */
  | { readonly do: 'keep'; readonly settings: Settings }
  /** Which messages of the deletion's chat are in `from` to `upTo`? Answered by `looked`. */
  | { readonly do: 'look'; readonly deletion: Deletion; readonly from: Seq; readonly upTo: Seq }
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
  | { readonly do: 'show'; readonly settings: Settings }
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

/** The limits that the actor keeps; units in src/protocol/limits.ts. */
export type UserLimits = LogLimits & {
  readonly devices: number
  readonly inboxEntries: number
  readonly listed: number
  readonly deviceAwayMs: number
  readonly chats: number
  readonly chatsMs: number
  /** A blocked sender is answered as if the message were taken. */
  readonly swallows: boolean
  /** How long messages of a chat stay until somebody changes it. */
  readonly lifetime: Lifetime
}

/** What a feature of the user wants of the log. It is heeded in its turn, as what the log says. */
export type Wish =
  /** `lazy`: nobody waits for it. */
  | { readonly says: 'write'; readonly draft: Draft; readonly lazy: boolean }
  | { readonly says: 'settle'; readonly upTo: Seq }
  /** Save cursors and the settled mark now. */
  | { readonly says: 'save' }
  /** A device is removed: that its tokens let it in no more is durable. */
  | { readonly says: 'remove'; readonly session: SessionRef; readonly device: DeviceId }
  /** The message that pauses the log goes on, or is refused. */
  | { readonly says: 'resume'; readonly message: Incoming | ErrorCode }

export type UserTurn = Turn<UserLimits, UserEffect> &
  Omit<LogTurn, 'effects' | 'said'> & { readonly said: (LogEvent | Wish)[] }

/** Who is told that the entry at `seq` is delivered or read: the sender, or the group, where it stands at `at`. */
export type Sender = { readonly seq: Seq; readonly chat: UserId; readonly at: Seq }

/** `read`: whether it was told as read; what came from the inbox may have been. */
export type Noted = Sender & { read: 'no' | 'maybe' | 'yes' }

/** Messages of a chat: the entry of the first, and where the last stands for its sender. 0: there are none. */
export type Span = { readonly first: Seq; readonly at: Seq }

/** Receipts told to a chat and not confirmed by it, by its own seqs. `first`: the lowest seq of this inbox that they settle. */
export type Told = {
  first: Seq
  delivered: Seq
  read: Seq
  readers: { readonly session: SessionRef; readonly seq: Seq; readonly at: Seq }[]
}

/** What a peer has of this user's messages, by the peer's log. */
export type Marks = { readonly epoch: number; readonly delivered: Seq; readonly read: Seq }
/** Receipts that came for this user and are not an entry yet. `again`: they may be known. */
type News = Marks & { again: boolean }

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

/** What the log says of a chat: its newest entry, how far it is read, and where messages stand that may be unread. */
export type KnownChat = { seq: Seq; time: Millis; lifetime: Lifetime; read: Seq; readonly messages: Seq[] }

/** By chat; one of which `seq` is 0 was read, and no more is known of it. */
export type KnownChats = Map<ChatId, KnownChat>

/** The newest message of a history, of which nothing is in the log. */
export type PastChat = Pick<KnownChat, 'seq' | 'time' | 'lifetime'> & { readonly chat: ChatId }

/** A chat as a device is told of it. `tags` as in the settings; '': none. */
export type ListedChat = Omit<KnownChat, 'messages'> & {
  readonly chat: ChatId
  readonly unread: number
  readonly tags: string
}

/** The log is being read for what is told of chats: from `next` on, up to what was the tail when that began. `stale`: it is to begin anew. */
export type Listing = {
  readonly chats: KnownChats
  next: Seq
  readonly upTo: Seq
  readonly tries: number
  stale: boolean
}

/** Devices whose removal is not durable, and which save it goes with. */
type Removal = { readonly session: SessionRef; readonly device: DeviceId; readonly save: number }

export type Change =
  | { readonly session: SessionRef; readonly ref: string; readonly setting: Setting }
  /** Of a message that waits for it. */
  | { readonly lifetime: ChatLifetime; readonly message: Incoming }
  /** Of a device, by another one. */
  | { readonly session: SessionRef; readonly removes: DeviceId }
/** The first `writing` of the changes are being written, and make `next`. */
export type Changes = { readonly all: Change[]; writing: number; next: Settings }

/** Chats read up to `upTo`, of which the entry up to `writing` is being appended; and who waits for it. `again`: it may be known. */
type Shared = {
  readonly chats: Map<UserId, { upTo: Seq; writing: Seq; again: boolean }>
  waiting: { readonly session: SessionRef; readonly chat: UserId; readonly seq: Seq }[]
}

/** What a user actor needs only while it has something to do; what its log needs is there. */
export type UserWork = {
  /** Receipts are told for all entries up to here. */
  told: Seq
  scanning: boolean
  /** Senders of the messages with a seq in [sendersFrom, sendersTo]. */
  senders: Noted[]
  sendersFrom: Seq
  sendersTo: Seq
  readonly outstanding: Map<UserId, Told>
  readonly news: Map<UserId, News>
  /** Since when something that was told at once waits to be an entry; 0: nothing does. */
  laterSince: Millis
  /** Of the latest peers: what is durable of their receipts; and whether the latest entries are being read for what is not here. */
  readonly receipts: Map<UserId, Marks>
  recalling: boolean
  /** Changes of the settings that are not durable. */
  changes: Changes | null
  /** How many reads start timers. */
  starts: number
  deletions: Deletion[]
  histories: number
  /** Reads whose entry is being looked up. */
  checks: number
  /** What this user has read and the other devices may not know. */
  reads: Shared | null
  /** What was read on the only device and is being saved; and whether it is looked up, for one that is new. */
  saving: Reads | null
  recallsReads: boolean
  /** Devices whose removal is not durable. */
  removals: Removal[]
  /** Devices that have asked for the chats, and the reading that answers them. */
  readonly askers: Set<SessionRef>
  listing: Listing | null
  /** All that is kept is to go: who waits for it, and how far it is. */
  wipe: { readonly tickets: Ticket[]; step: 'confirms' | 'quiets' | 'wipes' } | null
  readonly timers: Set<Exclude<UserTimer, LogTimer>>
}

/** The state belongs to the machine, which changes it in place; whoever wants to keep one copies it. */
export type UserState = {
  readonly user: UserId
  /** The inbox, whose readers are the devices. */
  readonly log: LogState
  settings: Settings
  /** What was read on the only device, and is not saved yet; null: nothing. */
  alone: Map<ChatId, Seq> | null
  /** null while there is nothing to do: then the actor may hibernate. */
  work: UserWork | null
}
