/**
 * Cursors and the settled mark are saved together, some time after they moved: what a crash forgets, the next hello repeats.
 * Acks move them with each message, and a save for each would double what a message costs: those wait for long.
 */
import type { Millis } from '../../src/protocol/ids.ts'
import { removed, saving } from './devices.ts'
import { after, lastSeen, work } from './state.ts'
import type { UserEffect, UserState } from './types.ts'

/** A device that came, left or was new. */
const saveMs = 2_000
/** Acks, while their device stays: a crash makes a client that kept no cursor itself see the last minutes again. */
const saveAcksMs = 600_000
/** So many acks are not waited with: a crash repeats no more of them. */
const unsavedAcks = 256

export function save(state: UserState, out: UserEffect[]): void {
  state.unsaved = Math.max(state.unsaved, 1)
  if (!work(state).saving) after(state, 'save', saveMs, out)
}

/** An ack or a receipt moved something; `entries` are acknowledged by it. */
export function saveLater(state: UserState, entries: number, out: UserEffect[]): void {
  state.unsaved = Math.max(state.unsaved, 1) + entries
  if (state.unsaved > unsavedAcks) return save(state, out)
  if (state.saveTimed) return
  state.saveTimed = true
  out.push({ do: 'after', ms: saveAcksMs, timer: 'saveAcks' })
}

export function saveNow(state: UserState, now: Millis, out: UserEffect[]): void {
  const it = work(state)
  if (state.unsaved === 0 || it.saving) return
  state.unsaved = 0
  it.saving = true
  saving(state)
  const cursors = state.devices.map((device) => ({
    device: device.device,
    seq: device.acked,
    seenAt: lastSeen(device, now),
  }))
  out.push({ do: 'save', cursors, settled: state.settled })
}

export function saved(state: UserState, ok: boolean, out: UserEffect[]): void {
  work(state).saving = false
  removed(state, ok, out)
  if (!ok) state.unsaved = Math.max(state.unsaved, 1)
  if (state.unsaved > 0) save(state, out)
}
