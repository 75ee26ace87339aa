/**
 * A session: one connected device. It checks what the device may do, turns frames into messages for actors, and answers.
 * It knows no socket: the gateway hands it frames and performs its effects.
 */
import type { BadFrame, ClientFrame, Typing } from '../../src/protocol/frames.ts'
import type { DeviceId, Millis, Shown, UserId } from '../../src/protocol/ids.ts'
import { never } from '../../src/protocol/never.ts'
import { isNews } from '../typing.ts'
import { charge, floods, mayCome, putOff, refill } from './rate.ts'
import { answered, copied, hold, refuse, send } from './sending.ts'
import { SessionState } from './state.ts'
import { error, type SessionLimits, type SessionMessage, type SessionTurn } from './types.ts'
import { settled, unwatch, watch } from './watching.ts'

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
  'chain',
  'link',
  'prekeys',
  'claim',
])

export const startSession = (limits: SessionLimits, now: Millis): SessionState => new SessionState(limits, now)

export function receive(state: SessionState, message: SessionMessage, turn: SessionTurn): void {
  switch (message.is) {
    case 'frame':
      return meter(state, message.frame, turn)
    case 'allowed':
      return allowed(state, message, turn)
    case 'welcomed':
      state.phase = 'open'
      state.hello = null
      state.siblings ||= message.siblings
      state.settings = message.settings
      // Who looked while this device was attaching has seen nobody.
      return void turn.effects.push({ do: state.away ? 'away' : 'active' })
    case 'siblings':
      state.siblings = true
      return
    case 'settings':
      return settled(state, message.settings, turn)
    case 'answered':
      return answered(state, message, turn)
    case 'copied':
      return copied(state, message, turn)
    case 'wasted':
      charge(state)
      if (floods(state, turn.limits)) turn.effects.push({ do: 'close', code: 'flooding' })
      return
    case 'late':
      if (state.phase === 'new') turn.effects.push({ do: 'close', code: 'hello_late' })
      return
    default:
      return never(message)
  }
}

/** A frame has come: a sign of life. Whether it is heeded; else there are too many, and the session is to be closed. */
function heard(state: SessionState, limits: SessionLimits, now: Millis): boolean {
  refill(state, limits, now)
  return !floods(state, limits)
}

/** A ping has come, at any time: as `heard`. By itself, since idle devices send nothing else: a list of effects was half of its CPU. */
export function pinged(state: SessionState, limits: SessionLimits, now: Millis): boolean {
  const heeded = heard(state, limits, now)
  if (heeded) charge(state)
  return heeded
}

/** Counts a frame against the rate. An ack is charged only where it says nothing new. */
function meter(state: SessionState, frame: ClientFrame | BadFrame, turn: SessionTurn): void {
  if (!heard(state, turn.limits, turn.now)) return void turn.effects.push({ do: 'close', code: 'flooding' })
  if ('bad' in frame) {
    charge(state)
    return void turn.effects.push(error(frame.bad, frame.kind, frame.ref))
  }
  const [kind] = frame
  if (kind === 'ack' && state.phase === 'open') return obey(state, frame, turn)
  const may = mayCome(state)
  if (may || !metered.has(kind)) charge(state)
  if (state.phase === 'new') {
    if (kind === 'ping') return void turn.effects.push({ do: 'push', frame: ['pong', frame[1]] })
    return kind === 'hello' ? hello(state, frame, turn) : void turn.effects.push(error('not_welcome_yet', kind, null))
  }
  // The first thing to go under load.
  if (kind === 'typing' && (!may || state.phase !== 'open')) return
  if (may || !metered.has(kind)) return obey(state, frame, turn)
  if (kind === 'send') return hold(state, frame, 'rate_limited', turn)
  turn.effects.push(error('rate_limited', kind, String(frame[1]), putOff(state, turn.limits)))
}

function hello(
  state: SessionState,
  frame: Extract<ClientFrame, readonly ['hello', ...unknown[]]>,
  turn: SessionTurn,
): void {
  state.phase = 'checking'
  state.hello = frame
  turn.effects.push({ do: 'authenticate', token: frame[1], device: frame[2] as DeviceId | null })
}

function allowed(
  state: SessionState,
  { user, device, issuedAt }: Extract<SessionMessage, { is: 'allowed' }>,
  turn: SessionTurn,
): void {
  Object.assign(state, { phase: 'attaching', user, device })
  if (state.hello?.[5]) state.away = true
  else state.activeAt = turn.now
  turn.effects.push({ do: 'attach', cursor: unjudged(state), issuedAt })
}

/** The cursor of the hello until the welcome says what came of it: whoever attaches the device again before that shows it again. */
export function unjudged({ hello }: SessionState): Shown | null {
  const [, , , epoch = 0, seq = 0, , life = 0, seen = 0] = hello ?? []
  return epoch === 0 ? null : { epoch, seq, life, seen }
}

function active(state: SessionState, turn: SessionTurn): void {
  state.activeAt = turn.now
  state.away = false
  turn.effects.push({ do: 'active' })
}

function away(state: SessionState, turn: SessionTurn): void {
  state.away = true
  turn.effects.push({ do: 'away' })
}

function obey(state: SessionState, frame: ClientFrame, turn: SessionTurn): void {
  const [kind] = frame
  if (kind === 'ping') return void turn.effects.push({ do: 'push', frame: ['pong', frame[1]] })
  if (kind === 'pong') return
  if (kind === 'hello') return void turn.effects.push(error('bad_frame', kind, null))
  if (state.phase !== 'open')
    return kind === 'send'
      ? refuse(state, frame, 'busy', turn)
      : void turn.effects.push(error('not_welcome_yet', kind, null))
  switch (kind) {
    case 'send':
      active(state, turn)
      return send(state, frame, turn)
    case 'ack':
      return void turn.effects.push({ do: 'ack', seq: frame[1] })
    case 'read':
      active(state, turn)
      return void turn.effects.push({ do: 'read', chat: frame[1], seq: frame[2] })
    case 'watch':
      return watch(state, frame[1], turn)
    case 'members':
      return void turn.effects.push({ do: 'ask', group: frame[1], question: { is: 'members' } })
    case 'ticks':
      return void turn.effects.push({ do: 'ask', group: frame[1], question: { is: 'ticks', at: frame[2] } })
    case 'stand': {
      const [, chat, epoch, seq, life] = frame
      return void turn.effects.push({ do: 'stand', chat, place: { epoch, seq, life } })
    }
    case 'typing':
      return typing(state, frame[1], frame[2], turn)
    case 'unwatch':
      unwatch(state, frame[1], turn)
      return void turn.effects.push({ do: 'push', frame: ['done', 'unwatch', frame[1], 0] })
    case 'active':
      return frame[1] ? active(state, turn) : away(state, turn)
    case 'set': {
      const [, ref, ...setting] = frame
      return void turn.effects.push({ do: 'own', message: { is: 'set', ref, setting } })
    }
    case 'ask':
      return void turn.effects.push({ do: 'own', message: { is: 'ask', what: frame[1] } })
    case 'token':
      return void turn.effects.push({ do: 'renew', token: frame[1] })
    case 'remove':
      return void turn.effects.push({ do: 'own', message: { is: 'remove', device: frame[1] } })
    case 'delete': {
      const [, chat, from, upTo] = frame
      return void turn.effects.push({ do: 'own', message: { is: 'delete', chat, from, upTo } })
    }
    case 'history': {
      const [, ref, chat, time, seq, limit] = frame
      const before = seq === 0 ? null : { time, seq }
      return void turn.effects.push({ do: 'own', message: { is: 'history', ref, chat, before, limit } })
    }
    case 'chain':
    case 'link':
    case 'prekeys':
    case 'claim':
      return void turn.effects.push({ do: 'keys', frame })
    default:
      return never(kind)
  }
}

function typing(state: SessionState, chat: UserId, what: Typing, turn: SessionTurn): void {
  if (!isNews(state.typed, chat, what, turn.now)) return
  state.typed = { chat, what, at: turn.now }
  active(state, turn)
  turn.effects.push({ do: 'typing', chat, what })
}
