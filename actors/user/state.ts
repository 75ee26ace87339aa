import type { UserId } from '../../src/protocol/ids.ts'
import type { Settings } from '../../src/protocol/settings.ts'
import type { InboxRecord } from '../../src/store/contract.ts'
import { highestAcked, restOfLog, startLog } from '../log/state.ts'
import { openSettings } from '../settings.ts'
import type { UserState, UserWork } from './types.ts'

/** The state of a user actor that starts: from what the store holds, or with `epoch` for an inbox that is new. */
export const startUser = (
  user: UserId,
  record: InboxRecord | undefined,
  epoch: number,
  settings: Settings = openSettings,
): UserState => ({ user, log: startLog(user, record, epoch), settings, alone: null, work: null })

/** The work record, made when it is first needed after waking. */
export function workOf(state: UserState): UserWork {
  if (state.work) return state.work
  const upTo = highestAcked(state.log)
  state.work = {
    told: state.log.settled,
    scanning: false,
    senders: [],
    sendersFrom: upTo + 1,
    sendersTo: upTo,
    outstanding: new Map(),
    news: new Map(),
    laterSince: 0,
    receipts: new Map(),
    recalling: false,
    changes: null,
    starts: 0,
    deletions: [],
    histories: 0,
    checks: 0,
    reads: null,
    saving: null,
    recallsReads: false,
    removals: [],
    askers: new Set(),
    listing: null,
    wipe: null,
    timers: new Set(),
  }
  return state.work
}

/** Whether the actor may hibernate; as of its log. */
export const rest = (state: UserState): 'busy' | 'keep' | 'spare' =>
  state.work && !isIdle(state.work) ? 'busy' : restOfLog(state.log)

const isIdle = (work: UserWork): boolean =>
  work.outstanding.size === 0 &&
  work.news.size === 0 &&
  work.timers.size === 0 &&
  !work.changes &&
  work.starts + work.deletions.length + work.histories + work.checks + work.removals.length === 0 &&
  !work.reads &&
  !work.wipe &&
  !work.recallsReads &&
  !work.scanning &&
  !work.listing &&
  !work.recalling
