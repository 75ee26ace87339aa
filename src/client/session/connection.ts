/** How a session connects, notices that a link is dead, waits, and ends. */
import { closeNamed, mayComeBack } from '../../protocol/codes.ts'
import type { Millis } from '../../protocol/ids.ts'
import type { Times } from '../clock.ts'
import type { EndCode } from '../errors.ts'
import type { ConnectionStatus } from '../types.ts'
import { type SessionState, say } from './state.ts'
import type { SessionEffect, SessionMessage } from './types.ts'

type Lost = Extract<SessionMessage, { is: 'lost' }>

/** Milliseconds before the n-th try to connect again; each is shortened by up to half, so that clients do not come back in step. */
const delays = [300, 500, 1_000, 2_000, 5_000, 10_000, 15_000] as const
/** A connection that held this long starts again at the first delay. */
const stableMs = 10_000

/** Milliseconds of silence after which a connection is given up that is to show, when the machine wakes, whether it still holds. */
const probeMs = 5_000
/** The number of the ping that asks this; other pings have 0. */
const probe = 1

/** Close codes of a client that hangs up; not in the server's table, and always followed by a new try. */
export const hangUps = { hole: 4000, silent: 4001, unreadable: 4002, broken: 4003 } as const

export function dial(state: SessionState, now: Millis, out: SessionEffect[]): void {
  state.since = now
  state.giveUpAt = now + state.limits.heartbeatMs
  state.probing = false
  become(state, { is: 'connecting' }, out)
  out.push({ do: 'dial', home: state.limits.home })
}

/** Presents the cursor that the storage has, so that nothing is acknowledged which a crash would forget. */
export function opened(state: SessionState, token: string, out: SessionEffect[]): void {
  const { safe, received } = state.inbox
  const { epoch, seq, life } = safe
  const frame = ['hello', token, state.options.device, epoch, seq, !state.active] as const
  out.push({ do: 'say', frame: life > 0 ? [...frame, life, received] : frame })
}

export function lost(state: SessionState, { code, why }: Lost, times: Times, out: SessionEffect[]): void {
  const name = closeNamed(code)
  if (!mayComeBack(code)) return end(state, name ?? `close_${code}`, undefined, out)
  if (name === 'going_away') forgetHome(state)
  wait(state, name ?? `connection lost (${why || code})`, times, out)
}

/** The node ends, or could not be had: another one tells where the user's actor is now. */
function forgetHome(state: SessionState): void {
  const { home: _, ...limits } = state.limits
  state.limits = limits
}

/** Gives up a link that is of no use, and tries anew. */
export function giveUp(state: SessionState, why: keyof typeof hangUps, times: Times, out: SessionEffect[]): void {
  out.push({ do: 'hangUp', code: hangUps[why], reason: why })
  wait(state, why, times, out)
}

export function wait(state: SessionState, reason: string, times: Times, out: SessionEffect[]): void {
  if (state.status.is !== 'online') forgetHome(state)
  else if (times.monotonic - state.since > stableMs) state.attempt = 0
  const delay = delays[Math.min(state.attempt, delays.length - 1)] as number
  state.attempt += 1
  state.outbox.lines.grounded()
  state.retryAt = times.monotonic + Math.ceil(delay * (0.5 + state.options.random() / 2))
  become(state, { is: 'waiting', retryAt: retryTime(state, times), attempt: state.attempt, reason }, out)
}

/** The time of day of the next try, by what it is now. */
export const retryTime = ({ retryAt }: SessionState, { now, monotonic }: Times): Millis =>
  Math.round(now + retryAt - monotonic)

export function end(state: SessionState, code: EndCode, cause: unknown, out: SessionEffect[]): void {
  out.push({ do: 'hangUp', code: 1000, reason: '' })
  become(state, cause === undefined ? { is: 'closed', code } : { is: 'closed', code, cause }, out)
}

export function become(state: SessionState, status: ConnectionStatus, out: SessionEffect[]): void {
  state.status = status
  out.push({ do: 'tell', name: 'connection', event: status })
}

/** A quiet server is pinged, and given up when it does not answer. What counts is the answer: a timer may be late by minutes. */
export function heartbeat(state: SessionState, times: Times, out: SessionEffect[]): void {
  const now = times.monotonic
  if (now >= state.giveUpAt) return giveUp(state, 'silent', times, out)
  if (state.status.is !== 'online' || now < nextPing(state)) return
  state.giveUpAt = now + state.limits.heartbeatMs / 2
  say(state, ['ping', 0], out)
}

/** Something came of a connection. What was under way before the machine slept does not tell whether it still holds. */
export function heard(state: SessionState, now: Millis): void {
  state.heardAt = now
  if (state.status.is === 'online') state.giveUpAt = state.probing ? now + probeMs : Number.POSITIVE_INFINITY
}

export function ponged(state: SessionState, n: number): void {
  if (n === probe) state.probing = false
}

/** The machine has woken, or has another network: does not wait for the next try, and finds out soon whether what there is still holds. */
export function retry(state: SessionState, now: Millis, out: SessionEffect[]): void {
  if (state.status.is === 'waiting') return dial(state, now, out)
  if (state.probing || (state.status.is === 'connecting' && now - state.since < probeMs)) return
  state.giveUpAt = Math.min(state.giveUpAt, now + probeMs)
  if (state.status.is !== 'online') return
  state.probing = true
  say(state, ['ping', probe], out)
}

/** When this part is to be woken. */
export function nextBeat(state: SessionState): Millis {
  if (state.status.is === 'waiting') return state.retryAt
  return state.status.is === 'online' ? Math.min(state.giveUpAt, nextPing(state)) : state.giveUpAt
}

/** When a server that says nothing is pinged, where it is not already. */
const nextPing = ({ giveUpAt, heardAt, limits }: SessionState): Millis =>
  giveUpAt === Number.POSITIVE_INFINITY ? heardAt + limits.heartbeatMs / 2 : Number.POSITIVE_INFINITY
