/** How long messages stay: which lifetime a chat has, which of two changes counts, and what the timer of an entry waits for. */
import type { Millis, UserId } from '../src/protocol/ids.ts'
import type { Lifetime } from '../src/protocol/lifetime.ts'
import type { ChatLifetime, Settings } from '../src/protocol/settings.ts'
import type { Entry, Waiting } from '../src/store/contract.ts'

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

/** What the timer of an entry waits for; undefined: it has none, or it runs. In a group's log it waits until all members have it. */
export function waitsFor(owner: UserId, entry: Entry): keyof Waiting | undefined {
  if (!('body' in entry) || !entry.lifetime || entry.expires !== undefined) return undefined
  const [kind] = entry.lifetime.split(' ') as [keyof Waiting | 'default' | 'permanent']
  if (kind === 'default' || kind === 'permanent') return undefined
  return owner.startsWith('#') ? 'temporary' : kind
}

/** When a copy vanishes whose timer starts now; undefined: it has none, or waits for all devices. */
export function copyExpires(lifetime: Lifetime | undefined, now: Millis): Millis | undefined {
  const [, ms] = lifetime?.split(' ') ?? []
  return ms === undefined ? undefined : now + Number(ms)
}

/** What has run out comes as gone. */
export const withoutVanished = (entries: readonly Entry[], now: Millis): readonly Entry[] =>
  entries.some((entry) => isOver(entry, now))
    ? entries.map((entry) => (isOver(entry, now) ? { is: 'gone', seq: entry.seq, time: entry.time } : entry))
    : entries

const isOver = (entry: Entry, now: Millis): boolean =>
  'body' in entry && entry.expires !== undefined && entry.expires <= now
