/** What this user's settings say of a chat: how long its messages stay, and its tags. Pure. */
import type { Settings, Tags } from '../types.ts'
import { type Chat, newestTime } from './chat.ts'
import { isGroup } from './line.ts'

export type Agreed = Pick<Chat, 'lifetime' | 'tags'>

/**
 * How long messages of a group stay, the group says. What was chosen here counts before the server has it. A mute that is over is none.
 * `settings` undefined: not known yet.
 */
export function agreed({ id, lifetime, tags, chosen }: Chat, settings: Settings | undefined, now: number): Agreed {
  const all = Object.entries({ ...(settings ? settings.tags.get(id) : tags), ...chosen })
  const { muted = 0, ...others } = Object.fromEntries(all.filter(([, value]) => value !== null)) as Tags
  const agreedOn = isGroup(id) ? lifetime : (settings?.lifetimes.get(id) ?? settings?.lifetime ?? lifetime)
  return { lifetime: agreedOn, tags: muted > now ? { muted, ...others } : others }
}

export function isAgreed(chat: Chat, settings: Settings | undefined, now: number): boolean {
  const { lifetime, tags } = agreed(chat, settings, now)
  return lifetime === chat.lifetime && JSON.stringify(tags) === JSON.stringify(chat.tags)
}

/** When the next mute ends; Infinity: none does by itself. */
export const nextUnmuted = (chats: Iterable<Chat>, now: number): number =>
  Math.min(...[...chats].map(({ tags: { muted = 0 } }) => (muted > now ? muted : Number.POSITIVE_INFINITY)))

/** Whether a chat tells nothing of its messages now. */
export const isMuted = ({ tags: { muted = 0 } }: Pick<Chat, 'tags'>, now = Date.now()): boolean => muted > now

/** Whether a chat stands above the others. */
export const isPinned = ({ tags: { pinned = 0 } }: Pick<Chat, 'tags'>): boolean => pinned > 0

/** What came later than it was archived brings a chat back, unless it is muted. */
export const isArchived = (chat: Pick<Chat, 'tags' | 'last'> & Partial<Chat>, now = Date.now()): boolean => {
  const { archived } = chat.tags
  return archived !== undefined && (isMuted(chat, now) || newestTime(chat) <= archived)
}
