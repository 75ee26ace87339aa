/**
 * Presence of one user: online while a device is connected and the person was active within the threshold; else last seen
 * when. It exists only while someone watches or something changes; who looks later gets it from the sessions and the store.
 * What devices do has times of the monotonic clock: whether somebody is online does not change when a clock is set.
 */
import type { Typing } from '../src/protocol/frames.ts'
import type { Millis, UserId } from '../src/protocol/ids.ts'
import { never } from '../src/protocol/never.ts'
import type { Settings } from '../src/protocol/settings.ts'
import type { Times } from '../src/runtime/index.ts'
import type { Accepted, Ticket } from './log/types.ts'
import type { SessionRef } from './session/ref.ts'
import { openSettings, type Stance, stance } from './settings.ts'
import type { Turn } from './turn.ts'

export type PresenceMessage =
  /** `stance`: what the watcher lets this user see. */
  | { readonly is: 'watch'; readonly watcher: Watcher }
  | { readonly is: 'unwatch'; readonly watcher: SessionRef }
  | { readonly is: 'settings'; readonly settings: Settings }
  /** This user is doing something in the chat with another. */
  | { readonly is: 'typing'; readonly to: UserId; readonly what: Typing }
  /** A device is connected, and its person was active at `at` (0: it runs in the background). */
  | { readonly is: 'active'; readonly session: SessionRef; readonly at: Millis }
  | { readonly is: 'away'; readonly session: SessionRef }
  /** A device has gone. `at`: the time of a clean close, or of the last sign of life. */
  | { readonly is: 'gone'; readonly device: Presence; readonly at: Millis }
  | { readonly is: 'saved'; readonly ok: boolean }
  /** From operators: it is to be forgotten when this user was last seen. */
  | { readonly is: 'forget'; readonly ticket: Ticket }
  | { readonly is: 'timer' }

export type PresenceEffect =
  | { readonly do: 'notify'; readonly watcher: SessionRef; readonly online: boolean; readonly lastSeen: Millis | null }
  | { readonly do: 'typing'; readonly watcher: SessionRef; readonly what: Typing }
  /** Answered by `saved`, and where there is a ticket to whoever waits. */
  | { readonly do: 'save'; readonly at: Millis; readonly afterMs: number; readonly ticket?: Ticket }
  | { readonly do: 'answer'; readonly ticket: Ticket; readonly answer: Accepted }
  | { readonly do: 'after'; readonly ms: number }

/** A save that failed is tried again after this time. */
const retrySaveMs = 5_000

/** A connected device; `activeAt`: by the monotonic clock, 0: never; `away`: its app is in the background. */
export type Presence = { readonly session: SessionRef; readonly activeAt: Millis; readonly away: boolean }

/** A session that watches, of whom, and what that user lets the watched one see. */
type Watcher = { readonly session: SessionRef; readonly user: UserId; readonly stance: Stance }

export type PresenceState = {
  readonly user: UserId
  /** The time of day at which the user was seen last, 0 for never; `saved` is what the store has of it. */
  seen: Millis
  saved: Millis
  saving: boolean
  devices: Presence[]
  watchers: readonly Watcher[]
  settings: Settings
  /** What watchers were told last. */
  online: boolean
  timed: boolean
}

export const startPresence = (
  user: UserId,
  saved: Millis,
  devices: Presence[],
  times: Times,
  settings: Settings = openSettings,
): PresenceState => {
  const seen = devices.reduce((latest, { activeAt }) => Math.max(latest, timeOf(activeAt, times)), saved)
  return { user, seen, saved, saving: false, devices, watchers: [], settings, online: false, timed: false }
}

/** `threshold`: ms after the last activity at which a connected user counts as gone; 0: connected means online. */
export type PresenceTurn = Turn<{ readonly threshold: Millis }, PresenceEffect> & Times

export function receive(state: PresenceState, message: PresenceMessage, turn: PresenceTurn): void {
  correct(state, turn)
  handle(state, message, turn)
}

/** A clock that was ahead has written it: nobody was seen later than now. Kept, so that it is not another now at the next look. */
function correct(state: PresenceState, turn: PresenceTurn): void {
  if (state.seen <= turn.now) return
  state.seen = turn.now
  save(state, 0, turn)
}

function handle(state: PresenceState, message: PresenceMessage, turn: PresenceTurn): void {
  switch (message.is) {
    case 'watch':
      state.watchers = [...without(state, message.watcher.session), message.watcher]
      announce(state, turn)
      return void turn.effects.push(notice(state, message.watcher))
    case 'unwatch':
      state.watchers = without(state, message.watcher)
      return
    case 'settings':
      return show(state, message.settings, turn)
    case 'typing':
      return typing(state, message.to, message.what, turn)
    case 'active':
      connect(state, { session: message.session, activeAt: message.at, away: false }, turn)
      return announce(state, turn)
    case 'away':
      connect(state, { session: message.session, activeAt: 0, away: true }, turn)
      return announce(state, turn)
    case 'gone':
      return gone(state, message.device, message.at, turn)
    case 'saved':
      state.saving = false
      if (!message.ok) state.saved = 0
      return save(state, message.ok ? 0 : retrySaveMs, turn)
    case 'forget':
      return forget(state, message.ticket, turn)
    case 'timer':
      state.timed = false
      return announce(state, turn)
    default:
      return never(message)
  }
}

/** Told to those sessions of the other that have the chat open, unless one of the two has blocked the other. */
function typing({ watchers, settings }: PresenceState, to: UserId, what: Typing, turn: PresenceTurn): void {
  if (stance(settings, to) === 'blocked') return
  for (const { session, user, stance } of watchers)
    if (user === to && stance !== 'blocked') turn.effects.push({ do: 'typing', watcher: session, what })
}

function connect(state: PresenceState, device: Presence, times: Times): void {
  state.devices = [...state.devices.filter(({ session }) => session !== device.session), device]
  state.seen = Math.max(state.seen, timeOf(device.activeAt, times))
}

/** The time of day at a time of the monotonic clock, by what the time is now; 0, never, stays 0. */
const timeOf = (at: Millis, { now, monotonic }: Times): Millis => at && now - (monotonic - at)

/** Who was online until this moment was seen at it; of others the last activity counts. */
const seenAt = (device: Presence, threshold: Millis, at: Millis): Millis =>
  onlineUntil(device, threshold) >= at ? at : device.activeAt

/** When the person at a connected device was last seen; 0 where they were neither online nor active since then. */
export const lastSeenOf = (device: Presence, threshold: Millis, times: Times, since: Millis): Millis =>
  Math.max(device.activeAt, onlineUntil(device, threshold)) < since
    ? 0
    : timeOf(seenAt(device, threshold, times.monotonic), times)

function gone(state: PresenceState, leaving: Presence, at: Millis, turn: PresenceTurn): void {
  state.devices = state.devices.filter(({ session }) => session !== leaving.session)
  state.seen = Math.max(state.seen, timeOf(seenAt(leaving, turn.limits.threshold, at), turn))
  save(state, 0, turn)
  announce(state, turn)
}

function save(state: PresenceState, afterMs: number, turn: PresenceTurn): void {
  if (state.saving || state.seen === state.saved) return
  state.saving = true
  state.saved = state.seen
  turn.effects.push({ do: 'save', at: state.seen, afterMs })
}

/** What is being saved would come after it: then it is to be asked again. */
function forget(state: PresenceState, ticket: Ticket, turn: PresenceTurn): void {
  if (state.saving) return void turn.effects.push({ do: 'answer', ticket, answer: { is: 'refused', code: 'busy' } })
  Object.assign(state, { seen: 0, saved: 0, saving: true })
  turn.effects.push({ do: 'save', at: 0, afterMs: 0, ticket })
}

const onlineUntil = (device: Presence, threshold: Millis): Millis =>
  device.away ? 0 : threshold === 0 ? Number.POSITIVE_INFINITY : device.activeAt + threshold

/** Tells watchers when online turned to offline or back, and looks again when it may turn by itself. */
function announce(state: PresenceState, turn: PresenceTurn): void {
  const { monotonic: now, limits } = turn
  const until = state.devices.reduce((latest, device) => Math.max(latest, onlineUntil(device, limits.threshold)), 0)
  const online = until > now
  const changed = online !== state.online
  state.online = online
  if (changed) for (const watcher of state.watchers) if (sees(state, watcher)) turn.effects.push(notice(state, watcher))
  if (online && Number.isFinite(until) && state.watchers.length > 0 && !state.timed) {
    state.timed = true
    turn.effects.push({ do: 'after', ms: until - now })
  }
}

const notice = (state: PresenceState, watcher: Watcher): PresenceEffect => {
  const shown = sees(state, watcher)
  const online = shown && state.online
  const lastSeen = !shown || online || state.seen === 0 ? null : state.seen
  return { do: 'notify', watcher: watcher.session, online, lastSeen }
}

/** Two users see each other or neither: who hides from another does not see that one. */
const sees = ({ user, settings }: PresenceState, watcher: Watcher): boolean =>
  watcher.user === user || (watcher.stance === 'open' && stance(settings, watcher.user) === 'open')

/** The settings have changed: who sees more now, or less, is told. */
function show(state: PresenceState, settings: Settings, turn: PresenceTurn): void {
  const saw = state.watchers.map((watcher) => sees(state, watcher))
  state.settings = settings
  for (const [index, watcher] of state.watchers.entries())
    if (sees(state, watcher) !== saw[index]) turn.effects.push(notice(state, watcher))
}

const without = ({ watchers }: PresenceState, session: SessionRef): readonly Watcher[] =>
  watchers.filter((watcher) => watcher.session !== session)

/** Watched: it must stay. Otherwise whoever asks next finds it in the sessions and the store. */
export const rest = (state: PresenceState): 'busy' | 'keep' | 'drop' =>
  state.saving ? 'busy' : state.watchers.length > 0 ? 'keep' : 'drop'
