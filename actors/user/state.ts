import type { ChatId, Millis, Seq, UserId } from '../../src/protocol/ids.ts'
import type { Settings } from '../../src/protocol/settings.ts'
import type { InboxRecord, Reads } from '../../src/store/contract.ts'
import { highestAcked, restOfLog, startLog } from '../log/state.ts'
import type { LogState, LogTimer, Ticket } from '../log/types.ts'
import type { SessionRef } from '../session/ref.ts'
import { openSettings } from '../settings.ts'
import type { Listing } from './listing.ts'
import type { UserTimer } from './messages.ts'
import type {
  Changes,
  Deletion,
  EarlyReceipt,
  Marks,
  Noted,
  OutstandingReceipts,
  Removal,
  UnsharedReads,
} from './pending.ts'

/** The state belongs to the machine, which changes it in place; whoever wants to keep one copies it. */
export type UserState = {
  readonly user: UserId
  /** The inbox, whose readers are the devices. */
  readonly log: LogState
  settings: Settings
  /** What was read on the only device, and is not saved yet; null: nothing. */
  alone: Map<ChatId, Seq> | null
  /** null while there is nothing to do: then the actor may hibernate. */
  work: UserWork | null
}

/** What a user actor needs only while it has something to do; what its log needs is there. */
export type UserWork = {
  /** Receipts are told for all entries up to here. */
  told: Seq
  scanning: boolean
  /** Senders of the messages with a seq in [sendersFrom, sendersTo]. */
  senders: Noted[]
  sendersFrom: Seq
  sendersTo: Seq
  readonly outstanding: Map<UserId, OutstandingReceipts>
  readonly early: Map<UserId, EarlyReceipt>
  /** Since when something that was told at once waits to be an entry; 0: nothing does. */
  laterSince: Millis
  /** Of the latest peers: what is durable of their receipts; and whether the latest entries are being read for what is not here. */
  readonly receipts: Map<UserId, Marks>
  recalling: boolean
  /** Changes of the settings that are not durable. */
  changes: Changes | null
  /** How many reads start timers. */
  starts: number
  deletions: Deletion[]
  histories: number
  /** Reads whose entry is being looked up. */
  checks: number
  /** What this user has read and the other devices may not know. */
  reads: UnsharedReads | null
  /** What was read on the only device and is being saved; and whether it is looked up, for one that is new. */
  saving: Reads | null
  recallsReads: boolean
  /** Devices whose removal is not durable. */
  removals: Removal[]
  /** Devices that have asked for the chats, and the reading that answers them. */
  readonly askers: Set<SessionRef>
  listing: Listing | null
  /** All that is kept is to go: who waits for it, and how far it is. */
  wipe: { readonly tickets: Ticket[]; step: 'confirms' | 'quiets' | 'wipes' } | null
  readonly timers: Set<Exclude<UserTimer, LogTimer>>
}

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
    early: new Map(),
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
  work.early.size === 0 &&
  work.timers.size === 0 &&
  !work.changes &&
  work.starts + work.deletions.length + work.histories + work.checks + work.removals.length === 0 &&
  !work.reads &&
  !work.wipe &&
  !work.recallsReads &&
  !work.scanning &&
  !work.listing &&
  !work.recalling
