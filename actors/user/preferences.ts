/** Changes of a user's settings: they count once they are durable; those that come meanwhile go together with the next write. */
import type { DeviceId } from '../../src/protocol/ids.ts'
import type { ChatLifetime, Settings } from '../../src/protocol/settings.ts'
import { withLifetime } from '../lifetime.ts'
import { readerOf } from '../log/state.ts'
import type { Incoming } from '../log/types.ts'
import { withRemoval } from '../removals.ts'
import type { SessionRef } from '../session/ref.ts'
import { changed } from '../settings.ts'
import type { UserMessage } from './messages.ts'
import type { Change, Changes } from './pending.ts'
import type { UserState } from './state.ts'
import { workOf } from './state.ts'
import type { UserTurn } from './turn.ts'

/** Changes that wait for the store. Above it `busy`. */
const waitingChanges = 1_024

export function set(
  state: UserState,
  { session, ref, setting }: Extract<UserMessage, { is: 'set' }>,
  turn: UserTurn,
): void {
  if (isFull(state)) return refuse(session, ref, 'busy', turn)
  add(state, { session, ref, setting }, turn)
}

/** Keeps the lifetime of a chat, before the message that changes it is appended. */
export function keepLifetime(state: UserState, lifetime: ChatLifetime, message: Incoming, turn: UserTurn): void {
  add(state, { lifetime, message }, turn)
}

/** Keeps that a device is removed, before it is. */
export function keepRemoval(state: UserState, session: SessionRef, removes: DeviceId, turn: UserTurn): void {
  if (isFull(state)) turn.effects.push({ do: 'refuse', session, kind: 'remove', ref: removes, code: 'busy' })
  else add(state, { session, removes }, turn)
}

const isFull = (state: UserState): boolean => (workOf(state).changes?.all.length ?? 0) >= waitingChanges

function add(state: UserState, change: Change, turn: UserTurn): void {
  const work = workOf(state)
  work.changes ??= { all: [], writing: 0, next: state.settings }
  work.changes.all.push(change)
  if (work.changes.writing === 0) write(state, work.changes, turn)
}

/** Writes what the waiting changes make of the settings. Those that cannot be are refused; those that change nothing are done. */
function write(state: UserState, changes: Changes, turn: UserTurn): void {
  let next = state.settings
  const taken = changes.all.splice(0).filter((change) => {
    const after = made(next, change, turn)
    next = after ?? next
    if (!after && 'setting' in change) refuse(change.session, change.ref, 'list_full', turn)
    return after
  })
  if (next === state.settings) {
    workOf(state).changes = null
    for (const change of taken) answer(change, true, turn)
    return
  }
  changes.all.push(...taken)
  changes.writing = taken.length
  changes.next = next
  turn.effects.push({ do: 'saveSettings', settings: next })
}

/** What a change makes of settings; undefined: it cannot be. */
function made(settings: Settings, change: Change, { limits, now }: UserTurn): Settings | undefined {
  if ('setting' in change) return changed(settings, change.setting, limits.listed)
  return 'lifetime' in change
    ? withLifetime(settings, change.lifetime, limits.lifetime, now)
    : withRemoval(settings, change.removes, now)
}

/** The settings are written, or may be: then the same changes are to come again. */
export function kept(state: UserState, ok: boolean, turn: UserTurn): void {
  const { changes } = workOf(state)
  if (!changes) return
  const answered = changes.all.splice(0, changes.writing)
  if (ok && answered.every((change) => 'removes' in change)) state.settings = changes.next
  else if (ok) tell(state, changes.next, turn)
  changes.writing = 0
  for (const change of answered) answer(change, ok, turn)
  // A message that had waited may have begun the next write.
  if (workOf(state).changes === changes && changes.writing === 0) write(state, changes, turn)
}

function answer(change: Change, ok: boolean, turn: UserTurn): void {
  if ('lifetime' in change) return void turn.said.push({ says: 'resume', message: ok ? change.message : 'busy' })
  if ('removes' in change) {
    const { session, removes } = change
    if (ok) turn.said.push({ says: 'remove', session, device: removes })
    else turn.effects.push({ do: 'refuse', session, kind: 'remove', ref: removes, code: 'busy' })
  } else if (ok) turn.effects.push({ do: 'confirm', session: change.session, kind: 'set', ref: change.ref, seq: 0 })
  else refuse(change.session, change.ref, 'busy', turn)
}

function tell(state: UserState, settings: Settings, turn: UserTurn): void {
  state.settings = settings
  turn.effects.push({ do: 'settingsChanged', settings })
  for (const { session } of state.log.readers)
    if (session !== 0) turn.effects.push({ do: 'settings', session, settings })
}

/** Answers a device that asks for the settings. */
export function askSettings(state: UserState, session: SessionRef, turn: UserTurn): void {
  if (!readerOf(state.log, session)) return
  turn.effects.push({ do: 'settings', session, settings: state.settings })
  turn.effects.push({ do: 'confirm', session, kind: 'ask', ref: 'settings', seq: 0 })
}

function refuse(session: SessionRef, ref: string, code: 'busy' | 'list_full', turn: UserTurn): void {
  turn.effects.push({ do: 'refuse', session, kind: 'set', ref, code })
}
