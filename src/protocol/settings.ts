/** What a user decides about others: who may write, who sees them, and whom they know. The user's devices share it. */
import { type DeviceId, isUserId, type MessageId, type Millis, type UserId } from './ids.ts'
import type { Lifetime } from './lifetime.ts'

const audiences = ['everyone', 'contacts', 'nobody'] as const
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

/** `lifetimes`: of 1:1 chats in which it was changed, by a message of either side. `removals`: oldest first; missing: none. */
export type Settings = Choices & { readonly lifetimes: readonly ChatLifetime[]; readonly removals?: readonly Removed[] }

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

export type SettingName = keyof Choices

/** One change: a choice, or a user who joins (`on` true) or leaves a list. To make it twice changes nothing more. */
export type Setting = readonly [name: SettingName, value: string | boolean, on: boolean]

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
    default:
      return false
  }
}
