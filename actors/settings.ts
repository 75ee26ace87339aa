/** What follows from a user's settings: who may write, and what two users see of each other. */
import type { UserId } from '../src/protocol/ids.ts'
import { type Audience, type Setting, type Settings, tagsLength } from '../src/protocol/settings.ts'

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

/** The settings after a change; undefined where a list would grow beyond `listed`, or the tags of a chat beyond `tagsLength`. */
export function changed(settings: Settings, change: Setting, listed: number): Settings | undefined {
  if (change[0] === 'tags') return tagged(settings, change[1], change[2], listed)
  const [name, value, on] = change
  if (name !== 'blocked' && name !== 'contacts') return { ...settings, [name]: value }
  const user = value as UserId
  const list = settings[name]
  if (list.includes(user) === on) return settings
  if (!on) return { ...settings, [name]: list.filter((other) => other !== user) }
  return list.length < listed ? { ...settings, [name]: [...list, user] } : undefined
}

/** A tag takes the place of the one with the same word; without a value it goes. */
function tagged(settings: Settings, chat: UserId, tag: string, listed: number): Settings | undefined {
  const { tags = [], ...rest } = settings
  const known = tags.find((of) => of.chat === chat)?.tags ?? ''
  const all = known.split('\t').filter(Boolean)
  if (all.includes(tag)) return settings
  const word = tag.slice(0, tag.indexOf('=') + 1)
  const others = all.filter((other) => !other.startsWith(word))
  const next = (tag === word ? others : [...others, tag]).join('\t')
  if (next === known) return settings
  if (next.length > tagsLength || (known === '' && tags.length >= listed)) return undefined
  const chats = tags.filter((of) => of.chat !== chat)
  if (next !== '') chats.push({ chat, tags: next })
  return chats.length > 0 ? { ...rest, tags: chats } : rest
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
