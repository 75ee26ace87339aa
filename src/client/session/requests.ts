/** What is asked of the server and must be answered: said again after each welcome until it is. Changes are kept in the storage, too. */
import { mayRetry } from '../../protocol/codes.ts'
import type { ClientFrame } from '../../protocol/frames.ts'
import type { Millis } from '../../protocol/ids.ts'
import { type SessionState, spend } from './state.ts'
import type { SessionEffect } from './types.ts'

export type Request = Extract<ClientFrame, readonly ['set' | 'ask', ...unknown[]]>

/** Names a request as its answer does. */
export const requestKey = (kind: string, ref: string | null): string => `${kind} ${ref}`

export function request(state: SessionState, frame: Request, out: SessionEffect[]): void {
  const key = requestKey(frame[0], frame[1])
  state.requests.set(key, frame)
  state.unsaidRequests.add(key)
  if (frame[0] === 'set') out.push({ do: 'keep', key: `set:${frame[1]}`, value: frame })
}

/** Takes up what an earlier run could not finish, in its order. */
export function restoreRequests(state: SessionState, kept: readonly Request[]): void {
  for (const frame of [...kept].sort((a, b) => (a[1] < b[1] ? -1 : 1)))
    state.requests.set(requestKey(frame[0], frame[1]), frame)
}

/** All is to be said, since nobody knows what the server has heard. */
export function repeatRequests(state: SessionState): void {
  for (const key of state.requests.keys()) state.unsaidRequests.add(key)
  if (state.follows) state.requests.set('ask settings', ['ask', 'settings'])
  if (state.follows) state.unsaidRequests.add('ask settings')
}

export function sayRequests(state: SessionState, out: SessionEffect[]): void {
  for (const key of state.unsaidRequests) {
    if (state.budget < 1) return
    state.unsaidRequests.delete(key)
    const frame = state.requests.get(key)
    if (frame) spend(state, frame, out)
  }
}

/** A request is answered; `code`: why it was refused. False: it was none. */
export function answered(
  state: SessionState,
  kind: string,
  ref: string | null,
  code: string | null,
  again: Millis,
  out: SessionEffect[],
): boolean {
  const key = requestKey(kind, ref)
  if (!state.requests.has(key)) return false
  if (code !== null && mayRetry(code)) {
    state.repeatAt = Math.max(state.repeatAt, again)
    return true
  }
  state.requests.delete(key)
  if (kind === 'set') out.push({ do: 'keep', key: `set:${ref}`, value: undefined })
  out.push({ do: 'answered', key, code })
  return true
}
