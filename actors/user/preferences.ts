/** Changes of a user's settings: they count once they are durable; those that come meanwhile go together with the next write. */
import type { DeviceId, Millis } from '../../src/protocol/ids.ts'
import type { ChatLifetime, Setting, Settings } from '../../src/protocol/settings.ts'
import { withLifetime } from '../lifetime.ts'
import { withRemoval } from '../removals.ts'
import { changed } from '../settings.ts'
import { lifetimeKept } from './append.ts'
import { removeNow } from './devices.ts'
import { attached, work } from './state.ts'
import type { SessionRef, UserEffect, UserLimits, UserMessage, UserState } from './types.ts'

/** Changes that wait for the store. Above it `busy`. */
const waitingChanges = 1_024

type Change =
  | { readonly session: SessionRef; readonly ref: string; readonly setting: Setting }
  /** Of a message that waits for it. */
  | { readonly lifetime: ChatLifetime }
  /** Of a device, by another one. */
  | { readonly session: SessionRef; readonly removes: DeviceId }
/** The first `writing` of the changes are being written, and make `next`. */
export type Changes = { readonly all: Change[]; writing: number; next: Settings }

export function set(
  state: UserState,
  { session, ref, setting }: Extract<UserMessage, { is: 'set' }>,
  limits: UserLimits,
  now: Millis,
  out: UserEffect[],
): void {
  if (isFull(state)) return refuse(session, ref, 'busy', out)
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

/** Keeps that a device is removed, before it is. */
export function keepRemoval(
  state: UserState,
  session: SessionRef,
  removes: DeviceId,
  limits: UserLimits,
  now: Millis,
  out: UserEffect[],
): void {
  if (isFull(state)) out.push({ do: 'refuse', session, kind: 'remove', ref: removes, code: 'busy' })
  else add(state, { session, removes }, limits, now, out)
}

const isFull = (state: UserState): boolean => (work(state).changes?.all.length ?? 0) >= waitingChanges

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
    const after = made(next, change, limits, now)
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

/** What a change makes of settings; undefined: it cannot be. */
function made(settings: Settings, change: Change, limits: UserLimits, now: Millis): Settings | undefined {
  if ('setting' in change) return changed(settings, change.setting, limits.listed)
  return 'lifetime' in change
    ? withLifetime(settings, change.lifetime, limits.lifetime, now)
    : withRemoval(settings, change.removes, now)
}

/** The settings are written, or may be: then the same changes are to come again. */
export function kept(state: UserState, ok: boolean, limits: UserLimits, now: Millis, out: UserEffect[]): void {
  const { changes } = work(state)
  if (!changes) return
  const answered = changes.all.splice(0, changes.writing)
  if (ok && answered.every((change) => 'removes' in change)) state.settings = changes.next
  else if (ok) tell(state, changes.next, out)
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
  if ('removes' in change) {
    const { session, removes } = change
    if (ok) removeNow(state, session, removes, now, out)
    else out.push({ do: 'refuse', session, kind: 'remove', ref: removes, code: 'busy' })
  } else if (ok) out.push({ do: 'confirm', session: change.session, kind: 'set', ref: change.ref, seq: 0 })
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
