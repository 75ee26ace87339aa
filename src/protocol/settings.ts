/** What a user decides about others: who may write, who sees them, and whom they know. The user's devices share it. */
import { type DeviceId, isChatId, isUserId, type MessageId, type Millis, type UserId } from './ids.ts'
import type { Lifetime } from './lifetime.ts'

const audiences = ['everyone', 'contacts', 'nobody'] as const
/** To whom something is open. */
export type Audience = (typeof audiences)[number]

/** What a user chooses alone. */
export type Choices = {
  /** Who sees whether this user is online, and when they were last seen. */
  readonly lastSeen: Audience
  /** Whose messages are taken. */
  readonly writers: Audience
  /** Who, of those whose messages are taken, may add this user to a group; others may invite. */
  readonly groups: Audience
  /** Whether others are told what this user has read. Without it this user is not told either. */
  readonly receipts: boolean
  readonly blocked: readonly UserId[]
  readonly contacts: readonly UserId[]
}

/** All that a user has set, as the store keeps it and their actor knows it. */
export type Settings = Choices & {
  /** Of 1:1 chats in which it was changed, by a message of either side. */
  readonly lifetimes: readonly ChatLifetime[]
  /** Oldest first; missing: none. */
  readonly removals?: readonly Removed[]
  /** Of the chats that have some; missing: none has. */
  readonly tags?: readonly ChatTags[]
}

/** What a user notes of a chat, and nobody else sees: a word and a value each, as `muted=1764547200000`, with a tab between two. */
export type ChatTags = { readonly chat: UserId; readonly tags: string }

/** A device that was removed: tokens that were made until `at` do not let it in, nor any device that the user has not. */
export type Removed = { readonly device: DeviceId; readonly at: Millis }

/** The lifetime of a chat, and the message that gave it: the one with the highest (`time`, `id`) counts, so that both sides agree. */
export type ChatLifetime = {
  readonly chat: UserId
  readonly lifetime: Lifetime
  /** That of the change in the inbox of its recipient. */
  readonly time: Millis
  readonly id: MessageId
}

/**
 * One change: a choice, or a user who joins (`on` true) or leaves a list; or a tag of a chat, in the place of the one with its word, and
 * without a value none. To make it twice changes nothing more.
 */
export type Setting =
  | readonly [name: keyof Choices, value: string | boolean, on: boolean]
  | readonly [name: 'tags', chat: UserId, tag: string]

/** UTF-16 units of the tags of one chat, with the tabs between them. */
export const tagsLength = 200
const tag = /^[a-z][a-z0-9-]{0,31}=[^\p{Cc}\p{Cs}]{0,64}$/u

/** Whether a change is one that can be. `max` is `limits.idLength`. */
export function isSetting(change: readonly [unknown, unknown, unknown], max: number): change is Setting {
  const [name, value, on] = change
  switch (name) {
    case 'lastSeen':
    case 'writers':
    case 'groups':
      return audiences.includes(value as Audience) && on === true
    case 'receipts':
      return typeof value === 'boolean' && on === true
    case 'blocked':
    case 'contacts':
      return isUserId(value, max) && typeof on === 'boolean'
    case 'tags':
      return isChatId(value, max) && typeof on === 'string' && tag.test(on)
    default:
      return false
  }
}
