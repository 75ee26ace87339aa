/** A user's devices: which there are, removing one, and those that were away for too long. Those are forgotten when room is needed. */
import type { CloseCode } from '../../src/protocol/codes.ts'
import type { Lost } from '../../src/protocol/frames.ts'
import type { DeviceId, Seq } from '../../src/protocol/ids.ts'
import { addReader, release } from '../log/readers.ts'
import { isOpening, readerOf, unwelcomed } from '../log/state.ts'
import type { Presented, Reader } from '../log/types.ts'
import { refusal } from '../removals.ts'
import type { SessionRef } from '../session/ref.ts'
import type { UserMessage } from './messages.ts'
import { keepRemoval } from './preferences.ts'
import type { UserState } from './state.ts'
import { workOf } from './state.ts'
import type { UserTurn } from './turn.ts'

/** `seenAt` of a device that was removed. */
const never = 0

const isGone = (device: Reader, turn: UserTurn): boolean => device.session === 0 && isForgotten(device, turn)

/** What counts of a device that is away, or was until now. */
const isForgotten = ({ seenAt }: Reader, { limits, now }: UserTurn): boolean =>
  seenAt === never || seenAt === unwelcomed || now - seenAt > limits.deviceAwayMs

const wasRemoved = ({ seenAt }: Pick<Reader, 'seenAt'>): boolean => seenAt === never

/** Whether a device is one of the user's: it came, and was not removed since. */
export const isKnown = (devices: readonly Pick<Reader, 'device' | 'seenAt'>[], id: DeviceId): boolean =>
  devices.some((device) => device.device === id && !wasRemoved(device))

/** Whether there is another device that is to learn what this one does. */
export const hasOthers = ({ log }: UserState, device: Reader | undefined, turn: UserTurn): boolean =>
  log.readers.some((other) => other !== device && !isGone(other, turn))

/** How far every device that counts has acknowledged the inbox; 0: there is none. */
export function lowestAcked({ log }: UserState, turn: UserTurn): Seq {
  let lowest = Number.POSITIVE_INFINITY
  for (const device of log.readers) if (!isGone(device, turn)) lowest = Math.min(lowest, device.acked)
  return Number.isFinite(lowest) ? lowest : 0
}

/** The device that comes, which is new where that is so; or why it may not. */
export function letIn(
  state: UserState,
  { device: id, issuedAt }: Extract<UserMessage, { is: 'attach' }>,
  turn: UserTurn,
): Reader | CloseCode {
  const { readers } = state.log
  const refused = issuedAt === undefined ? undefined : refusal(state.settings, id, isKnown(readers, id), issuedAt)
  return refused ?? readers.find(({ device }) => device === id) ?? admit(state, id, turn) ?? 'too_many_devices'
}

/** Makes room for a device that is new to this user: of those that are away the one unseen for longest leaves. */
function admit(state: UserState, id: DeviceId, turn: UserTurn): Reader | undefined {
  const { log } = state
  if (log.readers.length >= turn.limits.devices) {
    const away = log.readers.filter(({ session }) => session === 0)
    if (away.length === 0) return undefined
    const leaves = away.reduce((oldest, device) => (device.seenAt < oldest.seenAt ? device : oldest))
    log.readers = log.readers.filter((device) => device !== leaves)
  }
  tellSiblings(state, turn)
  return addReader(log, id, 0, unwelcomed)
}

/**
 * Why a device does not simply go on from its cursor: one that was gone has missed copies, whatever it presents, and is told so until
 * it is welcomed. One whose session was lost before that has heard nothing. One that nobody knows though it has a cursor was here, and
 * made room for another, or was forgotten by a crash: its siblings made no copies for it since, also where it has nothing yet.
 */
export function lostBy(device: Reader, cursor: Presented | null, turn: UserTurn): Lost | null {
  const isWelcome = device.session !== 0 && !isOpening(device)
  if (isWelcome || !isForgotten(device, turn)) return null
  if (device.seenAt === unwelcomed && !cursor) return null
  return wasRemoved(device) ? 'removed' : 'expired'
}

/** What those that are connected send and read, another device gets from now on. */
export function tellSiblings({ log }: UserState, turn: UserTurn): void {
  for (const { session } of log.readers) if (session !== 0) turn.effects.push({ do: 'siblings', session })
}

export function askDevices(state: UserState, session: SessionRef, turn: UserTurn): void {
  if (!readerOf(state.log, session)) return
  const devices = state.log.readers.filter((device) => !isGone(device, turn))
  for (const { device, session: connected, seenAt } of devices) {
    const lastSeen = connected === 0 ? Math.min(seenAt, turn.now) : turn.now
    turn.effects.push({ do: 'device', session, device, connected: connected !== 0, lastSeen })
  }
  turn.effects.push({ do: 'confirm', session, kind: 'ask', ref: 'devices', seq: devices.length })
}

/** First it is kept that tokens which the device has let it in no more; else it would be back at once. */
export function remove(
  state: UserState,
  { session, device: id }: Extract<UserMessage, { is: 'remove' }>,
  turn: UserTurn,
): void {
  const device = state.log.readers.find(({ device }) => device === id)
  if (!device || isGone(device, turn))
    return void turn.effects.push({ do: 'refuse', session, kind: 'remove', ref: id, code: 'unknown_device' })
  keepRemoval(state, session, id, turn)
}

/** Closes the device's session, and forgets how far it was. What it had acknowledged stays delivered. */
export function removeNow(state: UserState, session: SessionRef, id: DeviceId, turn: UserTurn): void {
  const { log } = state
  const device = log.readers.find(({ device }) => device === id)
  if (device && device.session !== 0) turn.effects.push({ do: 'close', session: device.session, code: 'removed' })
  if (device) release(log, device, never)
  workOf(state).removals.push({ session, device: id, save: (log.work?.saves ?? 0) + 1 })
  turn.said.push({ says: 'save' })
}

/** A save is durable, or not: then what was to go with it goes with one that follows. */
export function removed(state: UserState, nth: number, ok: boolean, turn: UserTurn): void {
  if (!ok) return
  const work = workOf(state)
  for (const { session, device, save } of work.removals)
    if (save <= nth) turn.effects.push({ do: 'confirm', session, kind: 'remove', ref: device, seq: 0 })
  work.removals = work.removals.filter(({ save }) => save > nth)
}
