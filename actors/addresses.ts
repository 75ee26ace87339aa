/** The actors of a node: how each kind is addressed, which messages it takes, and what it can be asked of what it knows. */
import {
  type ChatId,
  type DeviceId,
  type GroupId,
  isGroup,
  type Millis,
  type Seq,
  type UserId,
} from '../src/protocol/ids.ts'
import type { Settings } from '../src/protocol/settings.ts'
import type { Address, Routing } from '../src/runtime/index.ts'
import type { GroupMessage, KnownGroup } from './group/types.ts'
import type { Accepted } from './log/types.ts'
import type { OutboxMessage } from './outbox/types.ts'
import type { PresenceMessage } from './presence.ts'
import type { SessionRef } from './session/ref.ts'
import type { UserMessage } from './user/messages.ts'

/** How a message finds its actor. Whoever asks is told of an accepted message where it stands. */
export type NodeRouter = Routing<Accepted>

export type UserKnows = {
  readonly settings: Settings
  /** The sessions of the devices that are connected. */
  readonly sessions: readonly SessionRef[]
  /** undefined: there is none. */
  readonly inbox: KnownInbox | undefined
  /** Up to which entry a chat is read, as far as no entry says more; of one several times, in any order. */
  readonly reads: readonly (readonly [ChatId, Seq])[]
}
export type KnownInbox = { readonly epoch: number; readonly tail: Seq; readonly devices: readonly KnownDevice[] }
type KnownDevice = {
  readonly device: DeviceId
  readonly connected: boolean
  readonly cursor: Seq
  readonly seenAt: Millis
  readonly unacknowledged: number
}
export type PresenceKnows = {
  /** When the user was seen last; undefined: never. */
  readonly lastSeen: Millis | undefined
}
export type GroupKnows = {
  /** undefined: there is none. */
  readonly group: KnownGroup | undefined
  /** Members, and who has left and has not got all that was for them. */
  readonly ties: readonly UserId[]
}
export type OutboxKnows = {
  /** The highest seq that is durable. */
  readonly tail: Seq
}
/** What both a user and a group take. */
export type ChatMessage = Extract<GroupMessage, UserMessage>

export const toUser = (id: UserId): Address<UserMessage, UserKnows> => ({ kind: 'user', id })
export const toGroup = (id: GroupId): Address<GroupMessage, GroupKnows> => ({ kind: 'group', id })
export const toPresence = (id: UserId): Address<PresenceMessage, PresenceKnows> => ({ kind: 'presence', id })
export const toOutbox = (id: UserId): Address<OutboxMessage, OutboxKnows> => ({ kind: 'outbox', id })
/** A chat is a user, or a group. */
export const toChat = (chat: UserId): Address<ChatMessage> => ({ kind: isGroup(chat) ? 'group' : 'user', id: chat })
