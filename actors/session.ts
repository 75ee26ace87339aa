/**
 * A session: one connected device. It checks what the device may do, turns frames into messages for actors, and answers.
 * It knows no socket: the gateway hands it frames and performs its effects.
 */
import type { CloseCode, ErrorCode, RetryCode } from '../src/protocol/codes.ts'
import type { Asked, BadFrame, ClientFrame, SendFrame, ServerFrame, Typing } from '../src/protocol/frames.ts'
import type { Cursor, DeviceId, GroupId, Millis, Position, Seq, UserId } from '../src/protocol/ids.ts'
import type { Lifetime } from '../src/protocol/lifetime.ts'
import type { Setting, Settings } from '../src/protocol/settings.ts'
import type { Next } from '../src/runtime/index.ts'
import type { Past } from '../src/store/contract.ts'
import { enter, hold, isForNow, type Lanes, leave, startLanes, type Turn } from './lanes.ts'
import { isFull } from './lifetime.ts'
import { openSettings, type Stance, stance } from './settings.ts'
import { isNews, type Typed } from './typing.ts'
import type { Accepted } from './user/types.ts'

export type SessionMessage =
  | { readonly is: 'frame'; readonly frame: ClientFrame | BadFrame }
  /** The answer to `authenticate`. */
  | { readonly is: 'allowed'; readonly user: UserId; readonly device: DeviceId }
  | { readonly is: 'denied' }
  /** The user actor has taken the device in. `siblings`: this user has other devices. */
  | { readonly is: 'welcomed'; readonly siblings: boolean; readonly settings: Settings }
  /** This user has other devices from now on. */
  | { readonly is: 'siblings' }
  /** The user's settings: they have changed, or this device asked for them. */
  | { readonly is: 'settings'; readonly settings: Settings }
  /** The answer to `deliver` and, for `copied`, to `copy`. */
  | { readonly is: 'answered'; readonly send: SendFrame; readonly turn: Turn; readonly answer: Accepted }
  | {
      readonly is: 'copied'
      readonly send: SendFrame
      readonly turn: Turn
      readonly at: Position
      readonly time: Millis
      readonly answer: Accepted
    }
  /** The time to hello is over. */
  | { readonly is: 'late' }

/** What a device decides or asks for its user. */
type Own =
  | { readonly is: 'set'; readonly ref: string; readonly setting: Setting }
  | { readonly is: 'ask'; readonly what: Asked }
  | { readonly is: 'remove'; readonly device: DeviceId }
  | { readonly is: 'delete'; readonly ticket: 0; readonly chat: UserId; readonly from: Seq; readonly upTo: Seq }
  | {
      readonly is: 'history'
      readonly ref: string
      readonly chat: UserId
      readonly before: Past | null
      readonly limit: number
    }

export type SessionEffect =
  | { readonly do: 'authenticate'; readonly token: string | null; readonly device: DeviceId | null }
  | { readonly do: 'attach'; readonly cursor: Cursor | null }
  | { readonly do: 'deliver'; readonly send: SendFrame; readonly turn: Turn }
  | {
      readonly do: 'copy'
      readonly send: SendFrame
      readonly turn: Turn
      readonly at: Position
      readonly time: Millis
      readonly lifetime: Lifetime | undefined
    }
  | { readonly do: 'ack'; readonly seq: Seq }
  | { readonly do: 'read'; readonly chat: UserId; readonly seq: Seq }
  /** `stance`: what this user lets the watched one see. */
  | { readonly do: 'watch'; readonly user: UserId; readonly stance: Stance }
  | { readonly do: 'unwatch'; readonly user: UserId }
  /** For the user's own actor. */
  | { readonly do: 'own'; readonly message: Own }
  /** A question about a group. */
  | {
      readonly do: 'ask'
      readonly group: GroupId
      readonly question: { readonly is: 'members' } | { readonly is: 'ticks'; readonly at: Seq }
    }
  /** For those who watch this user. May be lost. */
  | { readonly do: 'typing'; readonly chat: UserId; readonly what: Typing }
  /** The person did something (`user` frames), or went away from the app. */
  | { readonly do: 'active' | 'away' }
  | { readonly do: 'push'; readonly frame: ServerFrame }
  | { readonly do: 'close'; readonly code: CloseCode }

export type SessionLimits = {
  readonly framesPerSecond: number
  readonly sendsInFlight: number
  readonly watches: number
  readonly listed: number
}

/** The state belongs to the machine, which changes it in place. */
export type SessionState = {
  phase: 'new' | 'checking' | 'attaching' | 'open'
  user: UserId | null
  device: DeviceId | null
  hello: Extract<ClientFrame, readonly ['hello', ...unknown[]]> | null
  /** The last frame of any kind, and the last that shows a person. */
  aliveAt: Millis
  activeAt: Millis
  /** The app is in the background: the person does not count as here. */
  away: boolean
  /** Frames that may come now; refilled by time, below zero while the device floods. */
  tokens: number
  inFlight: number
  /** null until the first send. */
  lanes: Lanes | null
  watches: Set<UserId> | null
  siblings: boolean
  settings: Settings
  /** null until the first time. */
  typed: Typed | null
}

/** Frames that are refused above the rate. */
const metered = new Set<string>([
  'send',
  'read',
  'watch',
  'unwatch',
  'members',
  'ticks',
  'set',
  'ask',
  'remove',
  'delete',
  'history',
])

export const startSession = (limits: SessionLimits, now: Millis): SessionState => ({
  phase: 'new',
  user: null,
  device: null,
  hello: null,
  aliveAt: now,
  activeAt: 0,
  away: false,
  tokens: limits.framesPerSecond * 2,
  inFlight: 0,
  lanes: null,
  watches: null,
  siblings: false,
  settings: openSettings,
  typed: null,
})

export function receive(
  state: SessionState,
  message: SessionMessage,
  limits: SessionLimits,
  now: Millis,
): Next<SessionState, SessionEffect> {
  const effects: SessionEffect[] = []
  handle(state, message, limits, now, effects)
  return { state, effects }
}

function handle(
  state: SessionState,
  message: SessionMessage,
  limits: SessionLimits,
  now: Millis,
  out: SessionEffect[],
): void {
  switch (message.is) {
    case 'frame':
      return meter(state, message.frame, limits, now, out)
    case 'allowed':
      return allowed(state, message.user, message.device, now, out)
    case 'denied':
      return void out.push({ do: 'close', code: 'bad_token' })
    case 'welcomed':
      state.phase = 'open'
      state.siblings ||= message.siblings
      state.settings = message.settings
      return
    case 'siblings':
      state.siblings = true
      return
    case 'settings':
      return settled(state, message.settings, out)
    case 'answered':
      return answered(state, message, out)
    case 'copied':
      return copied(state, message, out)
    case 'late':
      if (state.phase === 'new') out.push({ do: 'close', code: 'hello_late' })
  }
}

/** Counts a frame against the rate. What only acknowledges is never refused; whoever goes on regardless is closed. */
function meter(
  state: SessionState,
  frame: ClientFrame | BadFrame,
  limits: SessionLimits,
  now: Millis,
  out: SessionEffect[],
): void {
  const rate = limits.framesPerSecond
  state.tokens = Math.min(rate * 2, state.tokens + ((now - state.aliveAt) * rate) / 1_000) - 1
  state.aliveAt = now
  if (state.tokens < -rate) return void out.push({ do: 'close', code: 'flooding' })
  if ('bad' in frame) return void out.push(error(frame.bad, frame.kind, frame.ref))
  const [kind] = frame
  if (state.phase === 'new') {
    if (kind === 'ping') return void out.push({ do: 'push', frame: ['pong', frame[1]] })
    return kind === 'hello' ? hello(state, frame, out) : void out.push(error('not_welcome_yet', kind, null))
  }
  // The first thing to go under load.
  if (kind === 'typing' && (state.tokens < 0 || state.phase !== 'open')) return
  if (state.tokens < 0 && metered.has(kind))
    return kind === 'send'
      ? refuse(state, frame, 'rate_limited', out, refillMs(state, rate))
      : void out.push(error('rate_limited', kind, String(frame[1]), refillMs(state, rate)))
  obey(state, frame, limits, now, out)
}

/** When the next frame may come. */
const refillMs = ({ tokens }: SessionState, rate: number): number => Math.ceil(((1 - tokens) * 1_000) / rate)

function hello(
  state: SessionState,
  frame: Extract<ClientFrame, readonly ['hello', ...unknown[]]>,
  out: SessionEffect[],
): void {
  state.phase = 'checking'
  state.hello = frame
  out.push({ do: 'authenticate', token: frame[1], device: frame[2] as DeviceId | null })
}

function allowed(state: SessionState, user: UserId, device: DeviceId, now: Millis, out: SessionEffect[]): void {
  const [, , , epoch = 0, seq = 0, background = false] = state.hello ?? []
  Object.assign(state, { phase: 'attaching', user, device, hello: null })
  out.push({ do: 'attach', cursor: epoch === 0 ? null : { epoch, seq } })
  if (background) away(state, out)
  else active(state, now, out)
}

function active(state: SessionState, now: Millis, out: SessionEffect[]): void {
  state.activeAt = now
  state.away = false
  out.push({ do: 'active' })
}

function away(state: SessionState, out: SessionEffect[]): void {
  state.away = true
  out.push({ do: 'away' })
}

function obey(state: SessionState, frame: ClientFrame, limits: SessionLimits, now: Millis, out: SessionEffect[]): void {
  const [kind] = frame
  if (kind === 'ping') return void out.push({ do: 'push', frame: ['pong', frame[1]] })
  if (kind === 'pong') return
  if (kind === 'hello') return void out.push(error('bad_frame', kind, null))
  if (state.phase !== 'open')
    return kind === 'send' ? refuse(state, frame, 'busy', out) : void out.push(error('not_welcome_yet', kind, null))
  switch (kind) {
    case 'send':
      active(state, now, out)
      return send(state, frame, limits, out)
    case 'ack':
      return void out.push({ do: 'ack', seq: frame[1] })
    case 'read':
      active(state, now, out)
      return void out.push({ do: 'read', chat: frame[1], seq: frame[2] })
    case 'watch':
      return watch(state, frame[1], limits, out)
    case 'members':
      return void out.push({ do: 'ask', group: frame[1], question: { is: 'members' } })
    case 'ticks':
      return void out.push({ do: 'ask', group: frame[1], question: { is: 'ticks', at: frame[2] } })
    case 'typing':
      return typing(state, frame[1], frame[2], now, out)
    case 'unwatch':
      if (state.watches?.delete(frame[1])) out.push({ do: 'unwatch', user: frame[1] })
      return void out.push({ do: 'push', frame: ['done', 'unwatch', frame[1], 0] })
    case 'active':
      return frame[1] ? active(state, now, out) : away(state, out)
    case 'set': {
      const [, ref, ...setting] = frame
      return void out.push({ do: 'own', message: { is: 'set', ref, setting } })
    }
    case 'ask':
      return void out.push({ do: 'own', message: { is: 'ask', what: frame[1] } })
    case 'remove':
      return void out.push({ do: 'own', message: { is: 'remove', device: frame[1] } })
    case 'delete': {
      const [, chat, from, upTo] = frame
      return void out.push({ do: 'own', message: { is: 'delete', ticket: 0, chat, from, upTo } })
    }
    case 'history': {
      const [, ref, chat, time, seq, limit] = frame
      const before = seq === 0 ? null : { time, seq }
      return void out.push({ do: 'own', message: { is: 'history', ref, chat, before, limit } })
    }
  }
}

function typing(state: SessionState, chat: UserId, what: Typing, now: Millis, out: SessionEffect[]): void {
  if (!isNews(state.typed, chat, what, now)) return
  state.typed = { chat, what, at: now }
  active(state, now, out)
  out.push({ do: 'typing', chat, what })
}

function send(state: SessionState, frame: SendFrame, limits: SessionLimits, out: SessionEffect[]): void {
  if (state.inFlight >= limits.sendsInFlight) return refuse(state, frame, 'busy', out)
  const [, id, to, , , , change] = frame
  // The other side would have it, and this one not.
  if (change === 'lifetime' && !isGroup(to) && isFull(state.settings, to, limits.listed))
    return void out.push(error('list_full', 'send', id))
  const turn = enter(lanes(state), to, id)
  if (!turn) return void out.push(error('busy', 'send', id))
  if (state.typed?.chat === to) state.typed = null
  state.inFlight += 1
  out.push({ do: 'deliver', send: frame, turn })
}

function lanes(state: SessionState): Lanes {
  state.lanes ??= startLanes()
  return state.lanes
}

/** Refuses for now a send that was not let go. */
function refuse(
  state: SessionState,
  [, id, to]: SendFrame,
  code: RetryCode,
  out: SessionEffect[],
  retryAfter = 0,
): void {
  hold(lanes(state), to, id)
  out.push(error(code, 'send', id, retryAfter))
}

type Answered = Extract<SessionMessage, { is: 'answered' }>
type Copied = Extract<SessionMessage, { is: 'copied' }>

function answered(state: SessionState, { send, turn, answer }: Answered, out: SessionEffect[]): void {
  if (answer.is === 'refused') return refused(state, send, turn, answer.code, out, answer.retryAfter)
  const { at, time, lifetime } = answer
  if (needsCopy(state, send, lifetime)) out.push({ do: 'copy', send, turn, at, time, lifetime })
  else sent(state, send, turn, at, time, out)
}

/** For the other devices, for the own history, or for the own side of what both must know. */
function needsCopy({ siblings, user }: SessionState, send: SendFrame, lifetime: Lifetime | undefined): boolean {
  const [, , to, , , , change] = send
  // What is for oneself, and a change of a group, comes to all devices anyway.
  if (to === user || (change && isGroup(to))) return false
  return siblings || change !== undefined || lifetime === 'permanent'
}

const isGroup = (chat: UserId): boolean => chat.startsWith('#')

function copied(state: SessionState, { send, turn, at, time, answer }: Copied, out: SessionEffect[]): void {
  if (answer.is === 'accepted') return sent(state, send, turn, at, time, out)
  refused(state, send, turn, answer.code === 'failed' ? 'failed' : 'busy', out)
}

function refused(
  state: SessionState,
  [, id, to]: SendFrame,
  turn: Turn,
  code: ErrorCode,
  out: SessionEffect[],
  retryAfter = 0,
): void {
  state.inFlight -= 1
  leave(lanes(state), to, id, turn.nth, isForNow(code))
  out.push(error(code, 'send', id, retryAfter))
}

function sent(
  state: SessionState,
  [, id, to]: SendFrame,
  turn: Turn,
  at: Position,
  time: Millis,
  out: SessionEffect[],
): void {
  state.inFlight -= 1
  leave(lanes(state), to, id, turn.nth, false)
  out.push({ do: 'push', frame: ['sent', id, at.epoch, at.seq, time] })
}

function watch(state: SessionState, user: UserId, limits: SessionLimits, out: SessionEffect[]): void {
  state.watches ??= new Set()
  if (state.watches.size >= limits.watches && !state.watches.has(user))
    return void out.push(error('too_many_watches', 'watch', user))
  state.watches.add(user)
  out.push({ do: 'watch', user, stance: stance(state.settings, user) })
}

/** The device is told, and those whom it watches learn what they may see of this user. */
function settled(state: SessionState, settings: Settings, out: SessionEffect[]): void {
  out.push({ do: 'push', frame: settingsFrame(settings) })
  const former = state.settings
  state.settings = settings
  for (const user of state.watches ?? []) {
    if (isGroup(user)) continue
    const now = stance(settings, user)
    if (now !== stance(former, user)) out.push({ do: 'watch', user, stance: now })
  }
}

function settingsFrame({ lastSeen, writers, receipts, blocked, contacts, lifetimes }: Settings): ServerFrame {
  const lines = lifetimes.flatMap(({ chat, lifetime }) => (lifetime === 'default' ? [] : `${chat}\t${lifetime}`))
  return ['settings', lastSeen, writers, receipts, blocked.join('\n'), contacts.join('\n'), lines.join('\n')]
}

/** The text, and when to retry where that is 0, the host adds from the table. */
const error = (code: ErrorCode, kind: string, ref: string | null, retryAfter = 0): SessionEffect => ({
  do: 'push',
  frame: ['error', code, kind, ref, retryAfter, ''],
})
