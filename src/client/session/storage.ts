/** What a session has in its storage: the cursor, the messages, the marks of their recipients, and reads that are not confirmed. */
import type { Cursor } from '../../protocol/ids.ts'
import type { Outgoing } from '../types.ts'
import type { Mark } from './ladder.ts'
import { restoreRequests } from './requests.ts'
import type { SessionState } from './state.ts'
import type { Out, Request, SessionEffect } from './types.ts'

type Kept = Outgoing & { readonly n: number; readonly life?: number; readonly unsaid?: boolean }
/** Earlier releases stored no life. */
type Stored = Omit<Cursor, 'life'> & { readonly life?: number; readonly user: string }

/** What is stored of a message, under its key. */
export const keptMessage = ({ message, n, life, unsaid }: Omit<Out, 'again'>): readonly [string, Kept] => [
  `out:${message.id}`,
  { ...message, n, life, ...(unsaid && { unsaid }) },
]

export function load(state: SessionState, kept: ReadonlyMap<string, unknown>): void {
  const outs: Kept[] = []
  const marks: [string, readonly Mark[]][] = []
  const changes: Request[] = []
  for (const [key, value] of kept) {
    const [, kind, name = ''] = /^(\w+):?(.*)$/s.exec(key) ?? []
    if (kind === 'cursor') restore(state, value as Stored)
    if (kind === 'read') state.reads.set(name, value as number)
    if (kind === 'mark') marks.push([name, value as readonly Mark[]])
    if (kind === 'set' || kind === 'delete') changes.push(value as Request)
    if (kind === 'out') outs.push(value as Kept)
    if (kind === 'said') state.saidUpTo = value as number
  }
  restoreRequests(state, changes)
  state.outbox.numbered(state.saidUpTo)
  outs.sort((a, b) => a.n - b.n)
  for (const { n, life = 0, unsaid: kept = false, ...message } of outs) {
    const unsaid = kept && n > state.saidUpTo
    state.outbox.add({ message, n, again: !unsaid, life, unsaid })
  }
  for (const [to, known] of marks) state.outbox.restore(to, known)
}

function restore(state: SessionState, { user, epoch, seq, life = 0 }: Stored): void {
  state.user = user
  state.inbox.restore({ epoch, seq, life })
}

export function keepCursor(state: SessionState, cursor: Cursor, out: SessionEffect[]): void {
  const then = { is: 'stored', cursor } as const
  out.push({ do: 'keep', key: 'cursor', value: { user: state.user, ...cursor }, then })
}

/** Moves the cursor past what is finished. It is acknowledged once it is stored. */
export function advance(state: SessionState, out: SessionEffect[]): void {
  const cursor = state.inbox.advance()
  if (cursor) keepCursor(state, cursor, out)
}

/** Keeps what a message has become, and tells of it: its state rose, or only its places are others. */
export function rose(
  state: SessionState,
  { message, n, life }: Out,
  out: SessionEffect[],
  name: 'message' | 'placed' = 'message',
): void {
  const over = message.state === 'read' || message.state === 'refused'
  out.push({ do: 'tell', name, event: message })
  if (over) return remove(state, message, out)
  const [key, value] = keptMessage({ message, n, life })
  out.push({ do: 'keep', key, value })
  for (let surplus = state.outbox.surplus(); surplus; surplus = state.outbox.surplus())
    remove(state, surplus.message, out)
}

export function remove(state: SessionState, { id, to }: Outgoing, out: SessionEffect[]): void {
  out.push({ do: 'keep', key: `out:${id}`, value: undefined })
  if (state.outbox.marks(to).length === 0) out.push({ do: 'keep', key: `mark:${to}`, value: undefined })
}

/** A mark is kept for as long as a message of that recipient is: an answer that is lost may still have to rise by it. */
export function keepMark(state: SessionState, to: string, out: SessionEffect[]): void {
  const marks = state.outbox.marks(to)
  if (marks.length > 0) out.push({ do: 'keep', key: `mark:${to}`, value: marks })
}
