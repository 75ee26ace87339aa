/** Changes of a user's settings: they count once they are durable; those that come meanwhile go together with the next write. */
import type { Setting, Settings } from '../../src/protocol/settings.ts'
import { changed } from '../settings.ts'
import { attached, work } from './state.ts'
import type { SessionRef, UserEffect, UserLimits, UserMessage, UserState } from './types.ts'

/** Changes that wait for the store. Above it `busy`. */
const waitingChanges = 1_024

type Change = { readonly session: SessionRef; readonly ref: string; readonly setting: Setting }
/** The first `writing` of the changes are being written, and make `next`. */
export type Changes = { readonly all: Change[]; writing: number; next: Settings }

export function set(
  state: UserState,
  { session, ref, setting }: Extract<UserMessage, { is: 'set' }>,
  limits: UserLimits,
  out: UserEffect[],
): void {
  const it = work(state)
  it.changes ??= { all: [], writing: 0, next: state.settings }
  if (it.changes.all.length >= waitingChanges) return refuse(session, ref, 'busy', out)
  it.changes.all.push({ session, ref, setting })
  if (it.changes.writing === 0) write(state, it.changes, limits, out)
}

/** Writes what the waiting changes make of the settings. Those that cannot be are refused; those that change nothing are done. */
function write(state: UserState, changes: Changes, limits: UserLimits, out: UserEffect[]): void {
  let next = state.settings
  const taken = changes.all.splice(0).filter(({ session, ref, setting }) => {
    const after = changed(next, setting, limits.listed)
    next = after ?? next
    if (!after) refuse(session, ref, 'list_full', out)
    return after
  })
  if (next === state.settings) {
    for (const { session, ref } of taken) out.push({ do: 'confirm', session, kind: 'set', ref, seq: 0 })
    work(state).changes = null
    return
  }
  changes.all.push(...taken)
  changes.writing = taken.length
  changes.next = next
  out.push({ do: 'keep', settings: next })
}

/** The settings are written, or may be: then the same changes are to come again. */
export function kept(state: UserState, ok: boolean, limits: UserLimits, out: UserEffect[]): void {
  const { changes } = work(state)
  if (!changes) return
  const answered = changes.all.splice(0, changes.writing)
  if (ok) tell(state, changes.next, out)
  for (const { session, ref } of answered) {
    if (ok) out.push({ do: 'confirm', session, kind: 'set', ref, seq: 0 })
    else refuse(session, ref, 'busy', out)
  }
  changes.writing = 0
  write(state, changes, limits, out)
}

function tell(state: UserState, settings: Settings, out: UserEffect[]): void {
  state.settings = settings
  out.push({ do: 'show', settings })
  for (const { session } of state.devices) if (session !== 0) out.push({ do: 'settings', session, settings })
}

/** Answers a device that asks for the settings. */
export function askSettings(state: UserState, session: SessionRef, out: UserEffect[]): void {
  if (!attached(state, session)) return
  out.push({ do: 'settings', session, settings: state.settings })
  out.push({ do: 'confirm', session, kind: 'ask', ref: 'settings', seq: 0 })
}

function refuse(session: SessionRef, ref: string, code: 'busy' | 'list_full', out: UserEffect[]): void {
  out.push({ do: 'refuse', session, kind: 'set', ref, code })
}
