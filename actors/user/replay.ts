/**
 * Bringing a device up to date. There is one ordered path: a device gets seq n + 1 only after n, from the inbox while it
 * is behind, from memory once it is live, and never more at a time than its window.
 */

import type { Entry } from '../../src/protocol/entry.ts'
import { withoutVanished } from '../../src/protocol/entry.ts'
import type { Lost } from '../../src/protocol/frames.ts'
import type { DeviceId, Millis, Seq } from '../../src/protocol/ids.ts'
import { endOf, standing } from '../lives.ts'
import { refusal } from '../removals.ts'
import { save, saveLater } from './cursors.ts'
import { hasOthers, isForgotten, isKnown, wasRemoved } from './devices.ts'
import { notePushed, tellDelivered } from './receipts.ts'
import { attached, awayDevice, isWelcome, lastSeen } from './state.ts'
import type { Device, Presented, SessionRef, UserEffect, UserLimits, UserMessage, UserState } from './types.ts'

/** A device's `seenAt` is saved again when the one that is saved is older than this, or said that it was gone. */
const seenMs = 3_600_000

type Attach = Extract<UserMessage, { is: 'attach' }>

export function attach(
  state: UserState,
  { session, device: id, cursor, issuedAt }: Attach,
  limits: UserLimits,
  now: Millis,
  out: UserEffect[],
): void {
  const known = isKnown(state.devices, id)
  const refused = issuedAt === undefined ? undefined : refusal(state.settings, id, known, issuedAt)
  if (refused) return void out.push({ do: 'close', session, code: refused })
  const device = state.devices.find((device) => device.device === id) ?? admit(state, id, limits, now, out)
  if (!device) return void out.push({ do: 'close', session, code: 'too_many_devices' })
  if (device.session !== 0 && device.session !== session)
    out.push({ do: 'close', session: device.session, code: 'replaced' })
  if (cursor && wasPutBack(state, cursor, limits)) rename(state, limits.life, out)
  const lost = lostBy(state, device, cursor, limits, now)
  const start = lost ? Math.max(held(state, cursor), state.head - 1) : (cursor?.seq ?? device.acked)
  if (lost === 'expired' || lost === 'removed') tellSiblings(state, out)
  if (start > device.acked) save(state, out)
  Object.assign(device, awayDevice(id, start, device.seenAt), { session, phase: lost ?? 'opening' })
  if (start === state.tail) open(state, device, limits, now, out)
  advance(state, device, limits, out)
  tellDelivered(state, out)
}

/** Whether a cursor is of this log. */
const holds = (state: UserState, { epoch, seq, term }: Presented): boolean =>
  epoch === state.epoch && seq <= endOf(state, term)

/** How much of this log a cursor says that its device has. */
const held = (state: UserState, cursor: Presented | null): Seq => (cursor && holds(state, cursor) ? cursor.seq : 0)

/**
 * The device has what this log never had: it is of a life that was lost. Only devices of this user can say so, and once in a life of
 * the node: nobody makes others get all anew, nor a store write without end.
 */
const wasPutBack = (state: UserState, cursor: Presented, { term, life }: UserLimits): boolean =>
  cursor.term !== undefined &&
  cursor.term !== term &&
  cursor.epoch === state.epoch &&
  state.epoch !== life &&
  most(cursor) > endOf(state, cursor.term)

/** The highest seq that a device has. */
const most = ({ seq, seen = 0 }: Presented): Seq => Math.max(seq, seen)

/** What anybody has of the log by its former name means nothing any more: seqs are of other entries. The new name is that of this life, which is as random as any. */
function rename(state: UserState, epoch: number, out: UserEffect[]): void {
  state.was = state.epoch
  state.epoch = epoch
  for (const device of state.devices) if (isOpening(device) && device.acked > 0) startAgain(state, device)
  out.push({ do: 'rename', epoch })
}

const isOpening = (device: Device): boolean => device.phase !== 'away' && !isWelcome(device)

/** Its cursor was of the log by the name that it had, and its welcome will tell another. */
function startAgain(state: UserState, device: Device): void {
  if (device.phase === 'opening') device.phase = 'reset'
  device.acked = state.head - 1
  device.pushed = state.head - 1
}

/**
 * Why a device does not simply go on from its cursor. One that was gone has missed copies, whatever it presents, and is told so until
 * it is welcomed: one whose session was lost before that has heard nothing.
 */
function lostBy(
  state: UserState,
  device: Device,
  cursor: Presented | null,
  limits: UserLimits,
  now: Millis,
): Lost | null {
  if (!isWelcome(device) && isForgotten(device, limits, now)) return wasRemoved(device) ? 'removed' : 'expired'
  return !cursor || most(cursor) === 0 || holds(state, cursor) ? null : 'reset'
}

/** Tells a sender what holds of what they were told. */
export function stand(
  state: UserState,
  { session, at, life }: Extract<UserMessage, { is: 'stand' }>,
  out: UserEffect[],
): void {
  out.push({ do: 'stands', session, epoch: at.epoch, life, upTo: standing(state, at), now: state.epoch })
}

/** What those that are connected send and read, another device gets from now on. */
function tellSiblings(state: UserState, out: UserEffect[]): void {
  for (const { session } of state.devices) if (session !== 0) out.push({ do: 'siblings', session })
}

/** Makes room for a device that is new to this user: of those that are away the one unseen for longest leaves. */
function admit(state: UserState, id: DeviceId, limits: UserLimits, now: Millis, out: UserEffect[]): Device | undefined {
  if (state.devices.length >= limits.devices) {
    const away = state.devices.filter((device) => device.session === 0)
    if (away.length === 0) return undefined
    const leaves = away.reduce((oldest, device) => (device.seenAt < oldest.seenAt ? device : oldest))
    state.devices = state.devices.filter((device) => device !== leaves)
  }
  tellSiblings(state, out)
  const device = awayDevice(id, 0, now)
  state.devices = [...state.devices, device]
  save(state, out)
  return device
}

export function detach(state: UserState, session: SessionRef, now: Millis, out: UserEffect[]): void {
  const device = attached(state, session)
  if (!device) return
  Object.assign(device, awayDevice(device.device, device.acked, lastSeen(device, now)))
  save(state, out)
}

/** Welcomes a device whose start is certain: entries follow from there. */
function open(state: UserState, device: Device, limits: UserLimits, now: Millis, out: UserEffect[]): void {
  const { session, pushed, phase } = device
  const { epoch, tail, settings } = state
  const siblings = hasOthers(state, device, limits, now)
  const why = phase === 'away' || phase === 'opening' || phase === 'replaying' || phase === 'live' ? null : phase
  out.push({ do: 'welcome', session, epoch, seq: pushed, tail, why, siblings, settings })
  if (why || now - device.seenAt > seenMs) save(state, out)
  device.phase = 'replaying'
  device.seenAt = now
}

/** Moves a device on: live when it has everything, else the next page as soon as half of its window is free. */
function advance(state: UserState, device: Device, limits: UserLimits, out: UserEffect[]): void {
  if (device.phase === 'away' || device.phase === 'live' || device.fetching) return
  if (device.phase === 'replaying' && device.pushed === state.tail) return goLive(device, out)
  const free = room(device, limits)
  if (free.entries * 2 < limits.windowEntries || free.bytes * 2 < limits.windowBytes) return
  device.fetching = true
  out.push({ do: 'fetch', session: device.session, from: device.pushed + 1, limit: free.entries, bytes: free.bytes })
}

function goLive(device: Device, out: UserEffect[]): void {
  device.phase = 'live'
  if (device.told) return
  device.told = true
  out.push({ do: 'live', session: device.session, seq: device.pushed })
}

function room(device: Device, limits: UserLimits): { entries: number; bytes: number } {
  let bytes = limits.windowBytes
  for (const size of device.sizes ?? []) bytes -= size
  return { entries: limits.windowEntries - (device.sizes?.length ?? 0), bytes }
}

/** A page that was asked for. One that starts late tells that older entries have expired. */
export function page(
  state: UserState,
  session: SessionRef,
  from: Seq,
  entries: readonly Entry[] | null,
  limits: UserLimits,
  now: Millis,
  out: UserEffect[],
): void {
  const device = attached(state, session)
  if (!device?.fetching) return
  device.fetching = false
  // The device has acknowledged more meanwhile than it was sent: it goes on from there.
  if (device.pushed + 1 !== from) return advance(state, device, limits, out)
  if (!entries) return void out.push({ do: 'close', session, code: 'unavailable' })
  const held = entries.filter((entry) => entry.seq <= state.tail)
  const first = held[0]?.seq ?? state.tail + 1
  if (first !== from) {
    if (device.phase === 'replaying') return void out.push({ do: 'close', session, code: 'resync' })
    if (device.phase === 'opening') device.phase = 'trimmed'
    device.acked = first - 1
    device.pushed = first - 1
  }
  if (device.phase !== 'replaying') open(state, device, limits, now, out)
  push(state, device, withoutVanished(held, now), true, out)
  advance(state, device, limits, out)
}

/** Pushes entries that have just become durable to the devices that are live; one whose window is full is behind from here on. */
export function pushLive(
  state: UserState,
  durable: readonly Entry[],
  limits: UserLimits,
  now: Millis,
  out: UserEffect[],
): void {
  const entries = withoutVanished(durable, now)
  for (const device of state.devices) {
    if (device.phase !== 'live') continue
    const fits = fitting(device, entries, limits)
    push(state, device, fits === entries.length ? entries : entries.slice(0, fits), false, out)
    if (fits < entries.length) device.phase = 'replaying'
  }
}

function fitting(device: Device, entries: readonly Entry[], limits: UserLimits): number {
  const free = room(device, limits)
  let count = 0
  for (const entry of entries) {
    free.bytes -= size(entry)
    const alone = count === 0 && !device.sizes
    if (count >= free.entries || (free.bytes < 0 && !alone)) break
    count += 1
  }
  return count
}

/** `again`: they come from the inbox. */
function push(state: UserState, device: Device, entries: readonly Entry[], again: boolean, out: UserEffect[]): void {
  if (entries.length === 0) return
  device.sizes ??= []
  for (const entry of entries) {
    device.sizes.push(size(entry))
    notePushed(state, entry, again)
  }
  device.pushed += entries.length
  out.push({ do: 'push', session: device.session, entries })
}

/** Bytes that an entry counts for in a window: of text its length, which is near enough. */
const size = (entry: Entry): number =>
  !('body' in entry) ? 0 : typeof entry.body === 'string' ? entry.body.length : entry.body.byteLength

export function ack(state: UserState, session: SessionRef, seq: Seq, limits: UserLimits, out: UserEffect[]): void {
  const device = attached(state, session)
  if (!device) return
  if (seq > state.tail || seq <= device.acked) out.push({ do: 'wasted', session })
  if (seq > state.tail) return void out.push({ do: 'refuse', session, kind: 'ack', ref: null, code: 'ack_above_tail' })
  if (seq <= device.acked) return
  device.sizes?.splice(0, seq - device.acked)
  if (device.sizes?.length === 0) device.sizes = null
  // Above what was pushed: it had more from before this actor restarted.
  device.pushed = Math.max(device.pushed, seq)
  saveLater(state, seq - device.acked, out)
  device.acked = seq
  advance(state, device, limits, out)
  tellDelivered(state, out)
}
