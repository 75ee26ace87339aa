/** Whom a device watches, and what it lets them see of its user. */
import type { ServerFrame } from '../../src/protocol/frames.ts'
import { isGroup, type UserId } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import type { Settings } from '../../src/protocol/settings.ts'
import { stance } from '../settings.ts'
import type { SessionState } from './state.ts'
import { error, type SessionTurn } from './types.ts'

export function watch(state: SessionState, user: UserId, turn: SessionTurn): void {
  state.watches ??= new Set()
  if (state.watches.size >= turn.limits.watches && !state.watches.has(user))
    return void turn.effects.push(error('too_many_watches', 'watch', user))
  state.watches.add(user)
  turn.effects.push({ do: 'watch', user, stance: stance(state.settings, user) })
}

export function unwatch(state: SessionState, user: UserId, turn: SessionTurn): void {
  if (state.watches?.delete(user)) turn.effects.push({ do: 'unwatch', user })
  if (state.watches?.size === 0) state.watches = null
}

/** The device is told, and those whom it watches learn what they may see of this user. */
export function settled(state: SessionState, settings: Settings, turn: SessionTurn): void {
  turn.effects.push({ do: 'push', frame: settingsFrame(settings, turn.limits.lifetime ?? 'default') })
  const former = state.settings
  state.settings = settings
  for (const user of state.watches ?? []) {
    if (isGroup(user)) continue
    const now = stance(settings, user)
    if (now !== stance(former, user)) turn.effects.push({ do: 'watch', user, stance: now })
  }
}

/** `usual`: the lifetime of the chats that are not listed. */
function settingsFrame(settings: Settings, usual: Lifetime): ServerFrame {
  const { lastSeen, writers, groups, receipts, blocked, contacts, lifetimes, tags = [] } = settings
  const others = usual === 'default' ? [] : [{ chat: '', lifetime: usual }]
  const listed = lifetimes.filter(({ lifetime }) => lifetime !== 'default' || usual !== 'default')
  const lines = [...others, ...listed].map(({ chat, lifetime }) => `${chat}\t${lifetime}`)
  const lists = [blocked.join('\n'), contacts.join('\n'), lines.join('\n')] as const
  const frame = ['settings', lastSeen, writers, receipts, ...lists, groups] as const
  return tags.length === 0 ? frame : [...frame, tags.map(({ chat, tags }) => `${chat}\t${tags}`).join('\n')]
}
