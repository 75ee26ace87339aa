/** A user's devices: which there are, removing one, and those that were away for too long. Those are forgotten when room is needed. */
import type { DeviceId, Millis } from '../../src/protocol/ids.ts'
import { saveNow } from './cursors.ts'
import { keepRemoval } from './preferences.ts'
import { attached, awayDevice, work } from './state.ts'
import type { Device, SessionRef, UserEffect, UserLimits, UserMessage, UserState } from './types.ts'

/** `seenAt` of a device that was removed. */
const never = 0

export const isGone = (device: Device, limits: UserLimits, now: Millis): boolean =>
  device.session === 0 && isForgotten(device, limits, now)

/** What counts of a device that is away, or was until now. */
export const isForgotten = ({ seenAt }: Device, limits: UserLimits, now: Millis): boolean =>
  seenAt === never || now - seenAt > limits.deviceAwayMs

export const wasRemoved = ({ seenAt }: Pick<Device, 'seenAt'>): boolean => seenAt === never

/** Whether a device is one of the user's: it came, and was not removed since. */
export const isKnown = (devices: readonly Pick<Device, 'device' | 'seenAt'>[], id: DeviceId): boolean =>
  devices.some((device) => device.device === id && !wasRemoved(device))

/** Whether there is another device that is to learn what this one does. */
export const hasOthers = (state: UserState, device: Device | undefined, limits: UserLimits, now: Millis): boolean =>
  state.devices.some((other) => other !== device && !isGone(other, limits, now))

export function askDevices(
  state: UserState,
  session: SessionRef,
  limits: UserLimits,
  now: Millis,
  out: UserEffect[],
): void {
  if (!attached(state, session)) return
  const devices = state.devices.filter((device) => !isGone(device, limits, now))
  for (const { device, session: connected, seenAt } of devices) {
    const lastSeen = connected === 0 ? Math.min(seenAt, now) : now
    out.push({ do: 'device', session, device, connected: connected !== 0, lastSeen })
  }
  out.push({ do: 'confirm', session, kind: 'ask', ref: 'devices', seq: devices.length })
}

/** First it is kept that tokens which the device has let it in no more; else it would be back at once. */
export function remove(
  state: UserState,
  { session, device: id }: Extract<UserMessage, { is: 'remove' }>,
  limits: UserLimits,
  now: Millis,
  out: UserEffect[],
): void {
  const device = state.devices.find(({ device }) => device === id)
  if (!device || isGone(device, limits, now))
    return void out.push({ do: 'refuse', session, kind: 'remove', ref: id, code: 'unknown_device' })
  keepRemoval(state, session, id, limits, now, out)
}

/** Closes the device's session, and forgets how far it was. What it had acknowledged stays delivered. */
export function removeNow(state: UserState, session: SessionRef, id: DeviceId, now: Millis, out: UserEffect[]): void {
  const device = state.devices.find(({ device }) => device === id)
  if (device && device.session !== 0) out.push({ do: 'close', session: device.session, code: 'removed' })
  if (device) Object.assign(device, awayDevice(id, device.acked, never))
  state.unsaved = Math.max(state.unsaved, 1)
  const it = work(state)
  it.removals ??= []
  it.removals.push({ session, device: id, saving: false })
  saveNow(state, now, out)
}

/** Removals go with the next save. */
export function saving(state: UserState): void {
  for (const removal of work(state).removals ?? []) removal.saving = true
}

/** What was saved with a removal is durable, or not: then it goes with the save that follows. */
export function removed(state: UserState, ok: boolean, out: UserEffect[]): void {
  const it = work(state)
  if (!it.removals || !ok) return
  for (const { session, device, saving } of it.removals)
    if (saving) out.push({ do: 'confirm', session, kind: 'remove', ref: device, seq: 0 })
  const left = it.removals.filter(({ saving }) => !saving)
  it.removals = left.length > 0 ? left : null
}

export type Removal = { readonly session: SessionRef; readonly device: DeviceId; saving: boolean }
