/** A user actor that hibernates, as text: about 90 bytes with one device, where its state takes 400. */
import type { DeviceId, Millis, Seq, UserId } from '../../src/protocol/ids.ts'
import type { Settings } from '../../src/protocol/settings.ts'
import { openSettings } from '../settings.ts'
import { awayDevice } from './state.ts'
import type { Device, SessionRef, UserState } from './types.ts'

type Row = [DeviceId, SessionRef, Device['phase'], acked: Seq, pushed: Seq, seenAt: Millis, told: 0 | 1]
type Record = [
  epoch: number,
  head: Seq,
  tail: Seq,
  lastTime: Millis,
  settled: Seq,
  unsaved: number,
  saveTimed: 0 | 1,
  /** Null: as they are at the start, and no timer waits, which is what most users have. */
  more: More | null,
  ...Row[],
]

/** What most users do not have: settings of their own, and timers that wait. */
type More = Partial<Settings> & { readonly waiting?: UserState['waiting'] }

/** Only what may hibernate: no work is under way, and no device has anything to acknowledge. */
export function packUser(state: UserState): string {
  const { epoch, head, tail, lastTime, settled, unsaved, saveTimed, devices } = state
  const rows = devices.map(
    ({ device, session, phase, acked, pushed, seenAt, told }): Row => [
      device,
      session,
      phase,
      acked,
      pushed,
      seenAt,
      told ? 1 : 0,
    ],
  )
  return JSON.stringify([
    epoch,
    head,
    tail,
    lastTime,
    settled,
    unsaved,
    saveTimed ? 1 : 0,
    moreOf(state),
    ...rows,
  ] satisfies Record)
}

function moreOf({ settings, waiting }: UserState): More | null {
  if (settings === openSettings) return waiting && { waiting }
  const { lifetimes, ...choices } = settings
  return { ...choices, ...(lifetimes.length > 0 && { lifetimes }), ...(waiting && { waiting }) }
}

export function unpackUser(user: UserId, record: string): UserState {
  const [epoch, head, tail, lastTime, settled, unsaved, saveTimed, more, ...rows] = JSON.parse(record) as Record
  const devices = rows.map(([device, session, phase, acked, pushed, seenAt, told]) => ({
    ...awayDevice(device, acked, seenAt),
    session,
    phase,
    pushed,
    told: told === 1,
  }))
  const { waiting = null, ...set }: More = more ?? {}
  const settings = set.lastSeen ? { ...openSettings, ...set } : openSettings
  return {
    user,
    epoch,
    head,
    tail,
    lastTime,
    settled,
    unsaved,
    saveTimed: saveTimed === 1,
    settings,
    devices,
    waiting,
    work: null,
  }
}
