/** What is asked of the server and must be answered: said again after each welcome until it is. Changes are kept in the storage, too. */
import { mayRetry } from '../../protocol/codes.ts'
import type { EntryFrame } from '../../protocol/frames.ts'
import type { Millis } from '../../protocol/ids.ts'
import { type SessionState, spend } from './state.ts'
import type { Answer, Request, SessionEffect } from './types.ts'

type Kept = Extract<Request, readonly ['set' | 'delete', ...unknown[]]>

/**
 * Names a request; a change is kept under it until it is done. The same question twice is one, and of two changes of the same thing the
 * newer takes the place of the other, whose askers wait for it.
 */
export function requestKey(frame: Request): string {
  switch (frame[0]) {
    case 'ticks':
      return `ticks ${frame[1]} ${frame[2]}`
    case 'delete':
      return `delete:${frame[2]}-${frame[3]} ${frame[1]}`
    case 'set': {
      const [, , name, value, on] = frame
      if (name === 'tags') return `set:tags ${value} ${on.split('=')[0]}`
      return `set:${name} ${name === 'blocked' || name === 'contacts' ? value : ''}`
    }
    default:
      return `${frame[0]} ${frame[1]}`
  }
}

const isKept = (frame: Request): frame is Kept => frame[0] === 'set' || frame[0] === 'delete'

export function request(state: SessionState, frame: Request, out: SessionEffect[]): void {
  const key = requestKey(frame)
  state.requests.set(key, frame)
  state.unsaidRequests.add(key)
  if (isKept(frame)) out.push({ do: 'keep', key, value: frame })
  if (frame[0] === 'delete') state.inbox.erase(frame[1], frame[2], frame[3])
}

/** What a message that comes is to this user: gone, where they have deleted it and the server may not know. */
export function unlessDeleted(state: SessionState, frame: EntryFrame): EntryFrame {
  if (frame[0] !== 'message') return frame
  const [, seq, , from, , , , place] = frame
  const chat = place?.group ?? from
  for (const [kind, of, first, last] of state.requests.values())
    if (kind === 'delete' && of === chat && first <= seq && seq <= last) return ['gone', seq, seq]
  return frame
}

/** Deletions that name positions of a log that is no more are done. */
export function forgetDeletions(state: SessionState, out: SessionEffect[]): void {
  for (const frame of state.requests.values()) if (frame[0] === 'delete') finish(state, frame, null, [], out)
}

/** Takes up what an earlier run could not finish, in its order. */
export function restoreRequests(state: SessionState, kept: readonly Request[]): void {
  for (const frame of [...kept].sort((a, b) => (a[1] < b[1] ? -1 : 1))) state.requests.set(requestKey(frame), frame)
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

/** What an answer says: `done` with its seq, of a deletion with its `from`, or `error` with its code. */
type Says = {
  readonly kind: string
  readonly ref: string | null
  readonly seq?: number
  readonly from?: number | undefined
  readonly code: string | null
  readonly answer: Answer
}

/** A request is done, or was refused. False: it was none. */
export function answered(state: SessionState, says: Says, again: Millis, out: SessionEffect[]): boolean {
  const { code, answer } = says
  const meant = [...state.requests.values()].filter((frame) => isMeant(frame, says))
  if (meant.length === 0) return false
  if (code !== null && mayRetry(code)) state.repeatAt = Math.max(state.repeatAt, again)
  else for (const frame of meant) finish(state, frame, code, answer, out)
  return true
}

/** A refusal of ticks, or of a deletion, does not say of which message. */
function isMeant(frame: Request, { kind, ref, seq, from }: Says): boolean {
  if (frame[0] !== kind || frame[1] !== ref) return false
  return frame[0] !== 'delete' || seq === undefined || (seq === frame[3] && (from ?? frame[2]) === frame[2])
}

/** A question about a group is answered. */
export function told(
  state: SessionState,
  answer: Extract<Answer[number], readonly ['group' | 'ticked', ...unknown[]]>,
  out: SessionEffect[],
): void {
  const question: Request = answer[0] === 'group' ? ['members', answer[1]] : ['ticks', answer[1], answer[2]]
  if (state.requests.has(requestKey(question))) finish(state, question, null, [answer], out)
}

function finish(state: SessionState, frame: Request, code: string | null, answer: Answer, out: SessionEffect[]): void {
  const key = requestKey(frame)
  state.requests.delete(key)
  if (isKept(frame)) out.push({ do: 'keep', key, value: undefined })
  out.push({ do: 'answered', key, code, answer })
}
