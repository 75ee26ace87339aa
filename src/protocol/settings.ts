/** What a user decides about others: who may write, who sees them, and whom they know. The user's devices share it. */
import { isUserId, type UserId } from './ids.ts'

const audiences = ['everyone', 'contacts', 'nobody'] as const
export type Audience = (typeof audiences)[number]

export type Settings = {
  /** Who sees whether this user is online, and when they were last seen. */
  readonly lastSeen: Audience
  /** Whose messages are taken. */
  readonly writers: Audience
  /** Whether others are told what this user has read. Without it this user is not told either. */
  readonly receipts: boolean
  readonly blocked: readonly UserId[]
  readonly contacts: readonly UserId[]
}

/** One change: a choice, or a user who joins (`on` true) or leaves a list. To make it twice changes nothing more. */
export type Setting = readonly [name: keyof Settings, value: string | boolean, on: boolean]

/** Whether a change is one that can be. `max` is `limits.idLength`. */
export function isSetting(change: readonly [unknown, unknown, unknown], max: number): change is Setting {
  const [name, value, on] = change
  switch (name) {
    case 'lastSeen':
    case 'writers':
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
