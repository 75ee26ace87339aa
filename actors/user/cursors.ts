/** Cursors and the settled mark are saved together, a moment after they moved: what a crash forgets, the next hello repeats. */
import { after, work } from './state.ts'
import type { UserEffect, UserState } from './types.ts'

const saveMs = 2_000

export function save(state: UserState, out: UserEffect[]): void {
  const it = work(state)
  it.dirty = true
  if (!it.saving) after(state, 'save', saveMs, out)
}

export function saveNow(state: UserState, out: UserEffect[]): void {
  const it = work(state)
  if (!it.dirty || it.saving) return
  it.dirty = false
  it.saving = true
  const cursors = state.devices.map(({ device, acked, seenAt }) => ({ device, seq: acked, seenAt }))
  out.push({ do: 'save', cursors, settled: state.settled })
}

export function saved(state: UserState, ok: boolean, out: UserEffect[]): void {
  const it = work(state)
  it.saving = false
  if (!ok) it.dirty = true
  if (it.dirty) save(state, out)
}
