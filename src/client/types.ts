import type { Codec } from '../protocol/codec.ts'
import type { Lost } from '../protocol/frames.ts'
import type { Change } from '../protocol/group.ts'
import type { Body, Position } from '../protocol/ids.ts'
import type { Lifetime } from '../protocol/lifetime.ts'
import type { Choices } from '../protocol/settings.ts'
import type { E2ee } from './e2ee/types.ts'
import type { EndCode } from './errors.ts'
import type { Storage } from './storage.ts'
import type { Medium } from './transfers.ts'
import type { Transport } from './transport.ts'
import type { WaitOptions } from './waiting.ts'

/** What a client is told when it connects. `url` and `token` are all that it must have. */
export type ConnectOptions = {
  /** `ws://` or `wss://`. */
  readonly url: string
  /** The token, or what makes one before each connection, and when the one in use is about to expire. */
  readonly token: string | (() => string | Promise<string>)
  /** What this client calls itself, where the token does not say. Default `default`. */
  readonly device?: string
  /** Where the cursor and what is not sent yet are kept; one per user and device. Default: in memory. */
  readonly storage?: Storage
  /** Default JSON; `msgpack` of `bluetick/client/msgpack` is smaller on the wire. */
  readonly codec?: Codec
  /** Connects without counting as the person being here, until `active(true)`. */
  readonly background?: boolean
  /** Messages that may wait to be sent. Above it `queue` and `send` are refused with an OutboxFullError. Default 100,000. */
  readonly outboxMessages?: number
  /** Bytes of bodies that may wait to be sent, refused in the same way. Default 64 MB. */
  readonly outboxBytes?: number
  /** How messages reach the server. Default: the platform's WebSocket. */
  readonly transport?: Transport
  /** End-to-end encryption: `e2ee()` of `bluetick/client/e2ee`. */
  readonly e2ee?: E2ee
}

/** queued: safe in this client's storage. sent: durable at the server. refused: never will be. They only rise. */
export type MessageState = 'queued' | 'sent' | 'delivered' | 'read' | 'refused'

/** What a message shows beside its text: what `upload` answered, and a small picture of it (at most 4 KiB) to show first. */
export type Attachment = Medium & { readonly preview?: Uint8Array }

/** What a message has beside its text. */
export type QueueOptions = {
  readonly media?: Attachment
  /** Makes the message a change of the chat that it goes to; its body is the new value. See `Change`. */
  readonly change?: Change
  /** A UUID in lower case, of a program that keeps it before it queues: after a crash it queues again, and the message goes once. */
  readonly id?: string
}

/** Given up, a message that still waits is taken back, as `cancel` does; one that is under way goes on. */
export type SendOptions = QueueOptions & WaitOptions

/** A message of this user, as it was when it was handed out: `message` events tell when its state rises. */
export type Outgoing = {
  readonly id: string
  readonly to: string
  readonly body: Body
  readonly media: Attachment | null
  readonly change: Change | null
  /** Milliseconds since 1970: by this client's clock until it is sent, then by the server's. */
  readonly time: number
  readonly state: MessageState
  /** Where it stands in the recipient's inbox, once sent; null while it is sent again, since the node has lost it. */
  readonly at: Position | null
  /** Where its copy stands in this user's inbox: there is one where the user has other devices, or the chat is permanent. */
  readonly copy: Position | null
  /** How long it stays, once sent. */
  readonly lifetime: Lifetime
  /** When it vanishes, in milliseconds since 1970 by this client's clock; null: it does not by itself. */
  readonly expires: number | null
  /** Why it was refused; `cancelled`: by this client. */
  readonly code: string | null
  /** true: it was sent so that no server can read it. */
  readonly sealed?: boolean
}

/** A message for this user. */
export type Incoming = {
  readonly id: string
  /** What it belongs to: the user whom it is from, or a group, whose id begins with `#`. */
  readonly chat: string
  readonly from: string
  readonly body: Body
  readonly media: Attachment | null
  /** What it changes of its chat; own changes of a group come here as well. */
  readonly change: Change | null
  /** How long it stays: `delivered MS` from now on, `read MS` once this user has read it. */
  readonly lifetime: Lifetime
  readonly time: number
  /** Where it stands in this user's inbox. */
  readonly epoch: number
  readonly seq: number
  /** true: no server could read it. */
  readonly sealed?: boolean
  /** Tells the sender that the chat is read up to here, as `client.read` does. */
  read(): void
}

/** A message of a chat's history, of this user or for them. */
export type Past = Omit<Incoming, 'lifetime' | 'read' | 'sealed'> & {
  /** Of an own message: where it stands in the inbox of the other, or in the log of the group. */
  readonly at: Position | null
}

/** Which part of a history is asked for. */
export type HistoryOptions = WaitOptions & {
  /** Only what is older than this message. */
  readonly before?: Pick<Past, 'time' | 'seq'> | undefined
  /** Default and most: 100. */
  readonly limit?: number
}

/** A message of this user's inbox, or one that this user has sent. */
export type Deletable = Pick<Incoming, 'chat' | 'epoch' | 'seq'> | Pick<Outgoing, 'id' | 'to' | 'state' | 'copy'>

/** A group as it is now. */
export type Group = {
  readonly id: string
  readonly name: string
  /** How many earlier messages one sees who is added. */
  readonly history: number
  readonly admins: readonly string[]
  readonly members: readonly string[]
  readonly lifetime: Lifetime
}

/** The other members of a group who have a message, and those of them who have read it. */
export type Ticks = { readonly delivered: readonly string[]; readonly read: readonly string[] }

/** Whether somebody is here. No `lastSeen`: they were never here, or do not show it. */
export type Presence = { readonly online: true } | { readonly online: false; readonly lastSeen?: Date }

/** What this user has decided about others, and of their chats: the same on all their devices. */
export type Settings = Choices & {
  /** How long messages of a chat stay that nobody has changed; and by user those of 1:1 chats where somebody has. */
  readonly lifetime: Lifetime
  readonly lifetimes: ReadonlyMap<string, Lifetime>
  /** Of the chats that have some. */
  readonly tags: ReadonlyMap<string, Tags>
}

/** What this user has noted of a chat, for themselves alone. Times are milliseconds since 1970; other words are the program's own. */
export type Tags = {
  /** Until when; `Infinity`: for good. */
  readonly muted?: number
  /** When it was. */
  readonly pinned?: number
  /** The time of its newest message then: one that is not muted comes back with the next. */
  readonly archived?: number
  readonly [word: string]: string | number | undefined
}

/** A device of this user; `lastSeen`: when it was connected last. */
export type DeviceInfo = { readonly device: string; readonly connected: boolean; readonly lastSeen: Date }

/** A chat of this user, as the server has it. */
export type ChatInfo = {
  /** A user, or a group. */
  readonly id: string
  /** Where its newest message stands in this user's inbox, also one of this user's other devices; and when that came, in milliseconds since 1970. */
  readonly epoch: number
  readonly seq: number
  readonly time: number
  /** Messages of others that this user has not read on any device. */
  readonly unread: number
  /** Up to which place of the inbox it is read; 0: nowhere. */
  readonly read: number
  /** That of a group is as its newest message says. */
  readonly lifetime: Lifetime
  readonly tags: Tags
}

/** How it is with the connection. `waiting`: it is tried again, without being asked. */
export type ConnectionStatus =
  | { readonly is: 'connecting' }
  | { readonly is: 'online'; readonly user: string; readonly device: string }
  /** `retryAt`: milliseconds since 1970 by this client's clock; one that is set meanwhile moves it. */
  | { readonly is: 'waiting'; readonly retryAt: number; readonly attempt: number; readonly reason: string }
  /** For good. */
  | { readonly is: 'closed'; readonly code: EndCode; readonly cause?: unknown }

/** What a client tells by `on`, each by its name. */
export type ClientEvents = {
  /**
   * An own message was queued, or its state rose; also one that another own device sent. Each state once, and at once: what a crash kept
   * from the storage is told again by the next run.
   */
  message: Outgoing
  /** The places of an own message are others, and its state is as before: its copy has one, or the node has lost what it had. */
  placed: Outgoing
  connection: ConnectionStatus
  /** The settings of this user, once `settings()` was called: also when another device changed them. */
  settings: Settings
  /** Entries may be missing: they expired at the server, the inbox was reset, or this device was away for too long, removed or forgotten. */
  gap: { readonly epoch: number; readonly seq: number; readonly why: Lost | null }
  /**
   * Messages at these places of this user's inbox are gone: a device of this user has deleted them, `from` 1: all of the chat until
   * then; or they have vanished, then `chat` is null. Comes in its place among the messages of the loop, which goes on when the
   * promises of the listeners have resolved.
   */
  gone: { readonly chat: string | null; readonly epoch: number; readonly from: number; readonly upTo: number }
  /** A message of another has come that the loop is yet to have; also while nobody reads. After a crash it may be told again. */
  arrived: Omit<Incoming, 'read'>
  /** What another does in a chat that is watched: typing, recording, or nothing more. It ends by itself after 6 s. */
  typing: { readonly chat: string; readonly user: string; readonly doing: 'typing' | 'recording' | null }
  /** A device of this user has read a chat up to here: this one, or another. */
  seen: { readonly chat: string; readonly epoch: number; readonly seq: number }
  /** The server will not do something other than a send. `kind`: `read` or `watch`; `ref`: the chat or the user. */
  refused: { readonly kind: string; readonly ref: string | null; readonly code: string }
}
