/** Changes of a user's settings: they count once they are durable; those that come meanwhile go together with the next write. */
import type { Millis } from '../../src/protocol/ids.ts'
import type { ChatLifetime, Setting, Settings } from '../../src/protocol/settings.ts'
import { withLifetime } from '../lifetime.ts'
import { changed } from '../settings.ts'
import { lifetimeKept } from './append.ts'
import { attached, work } from './state.ts'
import type { SessionRef, UserEffect, UserLimits, UserMessage, UserState } from './types.ts'

/** Changes that wait for the store. Above it `busy`. */
const waitingChanges = 1_024

type Change =
  | { readonly session: SessionRef; readonly ref: string; readonly setting: Setting }
  /** Of a message that waits for it. */
  | { readonly lifetime: ChatLifetime }
/** The first `writing` of the changes are being written, and make `next`. */
export type Changes = { readonly all: Change[]; writing: number; next: Settings }

export function set(
  state: UserState,
  { session, ref, setting }: Extract<UserMessage, { is: 'set' }>,
  limits: UserLimits,
  now: Millis,
  out: UserEffect[],
): void {
  if ((work(state).changes?.all.length ?? 0) >= waitingChanges) return refuse(session, ref, 'busy', out)
  add(state, { session, ref, setting }, limits, now, out)
}

/** Keeps the lifetime of a chat, before the message that changes it is appended. */
export function keepLifetime(
  state: UserState,
  lifetime: ChatLifetime,
  limits: UserLimits,
  now: Millis,
  out: UserEffect[],
): void {
  add(state, { lifetime }, limits, now, out)
}

function add(state: UserState, change: Change, limits: UserLimits, now: Millis, out: UserEffect[]): void {
  const it = work(state)
  it.changes ??= { all: [], writing: 0, next: state.settings }
  it.changes.all.push(change)
  if (it.changes.writing === 0) write(state, it.changes, limits, now, out)
}

/** Writes what the waiting changes make of the settings. Those that cannot be are refused; those that change nothing are done. */
function write(state: UserState, changes: Changes, limits: UserLimits, now: Millis, out: UserEffect[]): void {
  let next = state.settings
  const taken = changes.all.splice(0).filter((change) => {
    const after =
      'setting' in change ? changed(next, change.setting, limits.listed) : withLifetime(next, change.lifetime, now)
    next = after ?? next
    if (!after && 'setting' in change) refuse(change.session, change.ref, 'list_full', out)
    return after
  })
  if (next === state.settings) {
    work(state).changes = null
    for (const change of taken) answer(state, change, true, limits, now, out)
    return
  }
  changes.all.push(...taken)
  changes.writing = taken.length
  changes.next = next
  out.push({ do: 'keep', settings: next })
}

/** The settings are written, or may be: then the same changes are to come again. */
export function kept(state: UserState, ok: boolean, limits: UserLimits, now: Millis, out: UserEffect[]): void {
  const { changes } = work(state)
  if (!changes) return
  const answered = changes.all.splice(0, changes.writing)
  if (ok) tell(state, changes.next, out)
  changes.writing = 0
  for (const change of answered) answer(state, change, ok, limits, now, out)
  // A message that had waited may have begun the next write.
  if (work(state).changes === changes && changes.writing === 0) write(state, changes, limits, now, out)
}

function answer(
  state: UserState,
  change: Change,
  ok: boolean,
  limits: UserLimits,
  now: Millis,
  out: UserEffect[],
): void {
  if ('lifetime' in change) return lifetimeKept(state, ok, limits, now, out)
  if (ok) out.push({ do: 'confirm', session: change.session, kind: 'set', ref: change.ref, seq: 0 })
  else refuse(change.session, change.ref, 'busy', out)
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
