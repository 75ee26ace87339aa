/**
 * A session: one connected device. It checks what the device may do, turns frames into messages for actors, and answers.
 * It knows no socket: the gateway hands it frames and performs its effects.
 */
import type { BadFrame, ClientFrame, Typing } from '../../src/protocol/frames.ts'
import type { DeviceId, Millis, Shown, UserId } from '../../src/protocol/ids.ts'
import { never } from '../../src/protocol/never.ts'
import type { Next } from '../../src/runtime/index.ts'
import { isNews } from '../typing.ts'
import { charge, closeFlooding, mayCome, putOff, refill } from './rate.ts'
import { answered, copied, hold, refuse, send } from './sending.ts'
import { SessionState } from './state.ts'
import { error, type SessionEffect, type SessionLimits, type SessionMessage } from './types.ts'
import { settled, watch } from './watching.ts'

/** Frames that are refused above the rate. */
const metered = new Set<string>([
  'send',
  'read',
  'watch',
  'unwatch',
  'members',
  'ticks',
  'stand',
  'set',
  'ask',
  'remove',
  'delete',
  'history',
])

export const startSession = (limits: SessionLimits, now: Millis): SessionState => new SessionState(limits, now)

/** `now`: by a clock that nobody sets. `effects`: those that earlier frames of the same WebSocket message asked for, which come first. */
export function receive(
  state: SessionState,
  message: SessionMessage,
  limits: SessionLimits,
  now: Millis,
  effects: SessionEffect[] = [],
): Next<SessionState, SessionEffect> {
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
      return allowed(state, message, now, out)
    case 'welcomed':
      state.phase = 'open'
      state.hello = null
      state.siblings ||= message.siblings
      state.settings = message.settings
      // Who looked while this device was attaching has seen nobody.
      return void out.push({ do: state.away ? 'away' : 'active' })
    case 'siblings':
      state.siblings = true
      return
    case 'settings':
      return settled(state, message.settings, limits, out)
    case 'answered':
      return answered(state, message, limits, now, out)
    case 'copied':
      return copied(state, message, limits, now, out)
    case 'wasted':
      charge(state)
      return void closeFlooding(state, limits, out)
    case 'late':
      if (state.phase === 'new') out.push({ do: 'close', code: 'hello_late' })
      return
    default:
      return never(message)
  }
}

/** Counts a frame against the rate. An ack is charged only where it says nothing new. */
function meter(
  state: SessionState,
  frame: ClientFrame | BadFrame,
  limits: SessionLimits,
  now: Millis,
  out: SessionEffect[],
): void {
  refill(state, limits, now)
  if (closeFlooding(state, limits, out)) return
  if ('bad' in frame) {
    charge(state)
    return void out.push(error(frame.bad, frame.kind, frame.ref))
  }
  const [kind] = frame
  if (kind === 'ack' && state.phase === 'open') return obey(state, frame, limits, now, out)
  const may = mayCome(state)
  if (may || !metered.has(kind)) charge(state)
  if (state.phase === 'new') {
    if (kind === 'ping') return void out.push({ do: 'push', frame: ['pong', frame[1]] })
    return kind === 'hello' ? hello(state, frame, out) : void out.push(error('not_welcome_yet', kind, null))
  }
  // The first thing to go under load.
  if (kind === 'typing' && (!may || state.phase !== 'open')) return
  if (may || !metered.has(kind)) return obey(state, frame, limits, now, out)
  if (kind === 'send') return hold(state, frame, 'rate_limited', limits, now, out)
  out.push(error('rate_limited', kind, String(frame[1]), putOff(state, limits)))
}

function hello(
  state: SessionState,
  frame: Extract<ClientFrame, readonly ['hello', ...unknown[]]>,
  out: SessionEffect[],
): void {
  state.phase = 'checking'
  state.hello = frame
  out.push({ do: 'authenticate', token: frame[1], device: frame[2] as DeviceId | null })
}

function allowed(
  state: SessionState,
  { user, device, issuedAt }: Extract<SessionMessage, { is: 'allowed' }>,
  now: Millis,
  out: SessionEffect[],
): void {
  Object.assign(state, { phase: 'attaching', user, device })
  if (state.hello?.[5]) state.away = true
  else state.activeAt = now
  out.push({ do: 'attach', cursor: unjudged(state), issuedAt })
}

/** The cursor of the hello until the welcome says what came of it: whoever attaches the device again before that shows it again. */
export function unjudged({ hello }: SessionState): Shown | null {
  const [, , , epoch = 0, seq = 0, , life = 0, seen = 0] = hello ?? []
  return epoch === 0 ? null : { epoch, seq, life, seen }
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
    return kind === 'send'
      ? refuse(state, frame, 'busy', limits, now, out)
      : void out.push(error('not_welcome_yet', kind, null))
  switch (kind) {
    case 'send':
      active(state, now, out)
      return send(state, frame, limits, now, out)
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
    case 'stand': {
      const [, chat, epoch, seq, life] = frame
      return void out.push({ do: 'stand', chat, place: { epoch, seq, life } })
    }
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
    case 'token':
      return void out.push({ do: 'renew', token: frame[1] })
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
    default:
      return never(kind)
  }
}

function typing(state: SessionState, chat: UserId, what: Typing, now: Millis, out: SessionEffect[]): void {
  if (!isNews(state.typed, chat, what, now)) return
  state.typed = { chat, what, at: now }
  active(state, now, out)
  out.push({ do: 'typing', chat, what })
}
