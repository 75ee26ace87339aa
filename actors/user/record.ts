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
  /** Null: as they are at the start, which is what most users have. */
  settings: Settings | null,
  ...Row[],
]

/** Only what may hibernate: no work is under way, and no device has anything to acknowledge. */
export function packUser(state: UserState): string {
  const { epoch, head, tail, lastTime, settled, unsaved, saveTimed, settings, devices } = state
  const set = settings === openSettings ? null : settings
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
    set,
    ...rows,
  ] satisfies Record)
}

export function unpackUser(user: UserId, record: string): UserState {
  const [epoch, head, tail, lastTime, settled, unsaved, saveTimed, set, ...rows] = JSON.parse(record) as Record
  const devices = rows.map(([device, session, phase, acked, pushed, seenAt, told]) => ({
    ...awayDevice(device, acked, seenAt),
    session,
    phase,
    pushed,
    told: told === 1,
  }))
  const settings = set ?? openSettings
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
    work: null,
  }
}
