/** What follows from a user's settings: who may write, and what two users see of each other. */
import type { UserId } from '../src/protocol/ids.ts'
import type { Audience, Setting, Settings } from '../src/protocol/settings.ts'

/** The settings of a user who never changed any: one object for all of them. */
export const openSettings: Settings = {
  lastSeen: 'everyone',
  writers: 'everyone',
  groups: 'everyone',
  receipts: true,
  blocked: [],
  contacts: [],
  lifetimes: [],
}

/** The settings after a change; undefined where a list would grow beyond `listed`. */
export function changed(settings: Settings, [name, value, on]: Setting, listed: number): Settings | undefined {
  if (name !== 'blocked' && name !== 'contacts') return { ...settings, [name]: value }
  const user = value as UserId
  const list = settings[name]
  if (list.includes(user) === on) return settings
  if (!on) return { ...settings, [name]: list.filter((other) => other !== user) }
  return list.length < listed ? { ...settings, [name]: [...list, user] } : undefined
}

const includes = ({ contacts }: Settings, audience: Audience, other: UserId): boolean =>
  audience === 'everyone' || (audience === 'contacts' && contacts.includes(other))

/** What a user lets another see of them: everything, not their presence, or nothing. */
export type Stance = 'open' | 'hidden' | 'blocked'

export function stance(settings: Settings, other: UserId): Stance {
  if (settings.blocked.includes(other)) return 'blocked'
  return includes(settings, settings.lastSeen, other) ? 'open' : 'hidden'
}

/** Why a user takes no message from another; undefined: they take it. */
export function turnsAway(settings: Settings, from: UserId): 'blocked' | 'not_taken' | undefined {
  if (settings.blocked.includes(from)) return 'blocked'
  return includes(settings, settings.writers, from) ? undefined : 'not_taken'
}

/** Whether another may add a user to a group; else the user is asked. */
export const mayAdd = (settings: Settings, by: UserId): boolean =>
  turnsAway(settings, by) === undefined && includes(settings, settings.groups, by)
