import type { Millis, Seq, UserId } from '../../src/protocol/ids.ts'
import type { Settings } from '../../src/protocol/settings.ts'
import type { InboxRecord } from '../../src/store/contract.ts'
import { openSettings } from '../settings.ts'
import type { Device, Timer, UserEffect, UserState, Work } from './types.ts'

/** Milliseconds within which the receipts of one peer become one entry, and the reads of one chat. */
export const coalesceMs = 1_000

/** The state of a user actor that starts: from what the store holds, or with `epoch` for an inbox that is new. */
export function startUser(
  user: UserId,
  record: InboxRecord | undefined,
  epoch: number,
  settings: Settings = openSettings,
): UserState {
  const fresh = { settings, unsaved: 0, saveTimed: false, work: null }
  const empty = { was: 0, lives: [], head: 1, tail: 0, lastTime: 0, settled: 0, devices: [], waiting: null }
  if (!record) return { user, epoch, ...empty, ...fresh }
  const { was, lives, head, tail, lastTime, settled } = record
  const waiting = record.waiting && { ...record.waiting }
  const devices = record.cursors.map(({ device, seq, seenAt }) => awayDevice(device, Math.min(seq, tail), seenAt))
  return { user, epoch: record.epoch, was, lives, head, tail, lastTime, settled, devices, waiting, ...fresh }
}

export const awayDevice = (device: Device['device'], acked: Seq, seenAt: Millis): Device => ({
  device,
  session: 0,
  phase: 'away',
  acked,
  pushed: acked,
  seenAt,
  sizes: null,
  fetching: false,
  told: false,
})

/** Whether a device has a session that was welcomed: it was told then what it has missed. */
export const isWelcome = ({ phase }: Pick<Device, 'phase'>): boolean => phase === 'replaying' || phase === 'live'

/** A device is seen while it is connected, from its welcome on. */
export const lastSeen = (device: Device, now: Millis): Millis => (isWelcome(device) ? now : device.seenAt)

/** The work record, made when it is first needed after waking. */
export function work(state: UserState): Work {
  if (state.work) return state.work
  const upTo = delivered(state)
  state.work = {
    pending: [],
    failures: 0,
    waiting: [],
    asked: 0,
    known: new Map(),
    refused: new Map(),
    told: state.settled,
    scanning: false,
    senders: [],
    sendersFrom: upTo + 1,
    sendersTo: upTo,
    outstanding: new Map(),
    news: new Map(),
    receipts: new Map(),
    recalling: false,
    saving: false,
    changes: null,
    changing: null,
    starting: null,
    starts: 0,
    deletions: [],
    histories: 0,
    checks: 0,
    seen: null,
    removals: null,
    timers: new Set(),
    near: 0,
  }
  return state.work
}

/** The highest seq that any device has acknowledged: up to here the inbox is delivered. */
export function delivered(state: UserState): Seq {
  let seq = 0
  for (const device of state.devices) if (device.acked > seq) seq = device.acked
  return seq
}

/** None for session 0. From where the last one was found: the log of a large group is acknowledged by its members one after another. */
export function attached({ devices, work }: UserState, session: number): Device | undefined {
  if (session === 0) return undefined
  const start = work?.near ?? 0
  for (let n = 0; n < devices.length; n++) {
    const at = (start + n) % devices.length
    if (devices[at]?.session !== session) continue
    if (work) work.near = at
    return devices[at]
  }
  return undefined
}

/** Asks for a timer, unless it is already set. */
export function after(state: UserState, timer: Timer, ms: number, out: UserEffect[]): void {
  const { timers } = work(state)
  if (timers.has(timer)) return
  timers.add(timer)
  out.push({ do: 'after', ms, timer })
}

/**
 * Whether the actor may hibernate. `busy`: something is under way. `keep`: devices are attached, so its record must stay.
 * `spare`: the store knows everything.
 */
export function rest(state: UserState): 'busy' | 'keep' | 'spare' {
  if (state.work && !idle(state.work)) return 'busy'
  let keep = false
  for (const device of state.devices) {
    if (device.fetching || device.sizes || (device.phase !== 'away' && device.phase !== 'live')) return 'busy'
    if (device.session !== 0) keep = true
  }
  return keep || state.unsaved > 0 ? 'keep' : 'spare'
}

const idle = (work: Work): boolean =>
  work.pending.length === 0 &&
  work.waiting.length === 0 &&
  work.outstanding.size === 0 &&
  work.news.size === 0 &&
  work.timers.size === 0 &&
  !work.changes &&
  !work.changing &&
  (work.starting?.size ?? 0) + work.starts + work.deletions.length + work.histories === 0 &&
  work.checks === 0 &&
  !work.seen &&
  !work.removals &&
  !work.scanning &&
  !work.saving
