/** How long the messages of a chat stay: which lifetime it has, and which of two changes counts. */
import type { Millis, UserId } from '../src/protocol/ids.ts'
import type { Lifetime } from '../src/protocol/lifetime.ts'
import type { ChatLifetime, Settings } from '../src/protocol/settings.ts'

/** A chat that is back at the default is remembered as long as a repeat of an older change may come: two days. */
const rememberedMs = 48 * 3_600_000

/** The lifetime of a chat with another user, where `usual` is that of one that nobody has changed; undefined: `default`. */
export function lifetimeOf({ lifetimes }: Settings, chat: UserId, usual: Lifetime): Lifetime | undefined {
  const lifetime = lifetimes.find((known) => known.chat === chat)?.lifetime ?? usual
  return lifetime === 'default' ? undefined : lifetime
}

/** The settings after a change; the same ones where a later change is known. Where `default` is not usual, it stays known as any other. */
export function withLifetime(settings: Settings, change: ChatLifetime, usual: Lifetime, now: Millis): Settings {
  const known = settings.lifetimes.find(({ chat }) => chat === change.chat)
  if (known && !isLater(change, known)) return settings
  const others = settings.lifetimes.filter(
    ({ chat, lifetime, time }) =>
      chat !== change.chat && (lifetime !== 'default' || usual !== 'default' || now - time < rememberedMs),
  )
  return { ...settings, lifetimes: [...others, change] }
}

const isLater = (change: ChatLifetime, known: ChatLifetime): boolean =>
  change.time > known.time || (change.time === known.time && change.id > known.id)

/** Whether a change would make one more chat with a lifetime of its own than `listed`. */
export const isFull = ({ lifetimes }: Settings, chat: UserId, listed: number): boolean =>
  lifetimes.length >= listed && !lifetimes.some((known) => known.chat === chat)
