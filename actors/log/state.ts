/** The state of a log: how it starts, and what is read from it. */
import type { Millis, Seq, UserId } from '../../src/protocol/ids.ts'
import type { InboxRecord } from '../../src/store/contract.ts'
import type { LogState, LogTimer, LogTurn, LogWork, Reader, ReaderRef } from './types.ts'

/** The log as the store has it, or with `epoch` one that is new. */
export function startLog(owner: UserId, record: InboxRecord | undefined, epoch: number): LogState {
  const fresh = { unsaved: 0, saveTimed: false, work: null }
  const empty = { was: 0, lives: [], head: 1, tail: 0, lastTime: 0, settled: 0, readers: [] as Reader[], waiting: null }
  if (!record) return { owner, epoch, ...empty, ...fresh }
  const { was, lives, head, tail, lastTime, settled } = record
  const waiting = record.waiting && { ...record.waiting }
  const readers = record.cursors.map(({ device, seq, seenAt }) => awayReader(device, Math.min(seq, tail), seenAt))
  return { owner, epoch: record.epoch, was, lives, head, tail, lastTime, settled, readers, waiting, ...fresh }
}

/** `seenAt` of a reader that was never told from where it begins. */
export const unwelcomed = -1

export const awayReader = (device: Reader['device'], acked: Seq, seenAt: Millis): Reader => ({
  device,
  session: 0,
  phase: 'away',
  acked,
  pushed: acked,
  seenAt,
  sizes: null,
  fetching: false,
  toldLive: false,
})

/** The work record, made when it is first needed after waking. */
export function workOf(log: LogState): LogWork {
  log.work ??= {
    pending: [],
    failures: 0,
    waiting: [],
    lookedUp: 0,
    paused: null,
    known: new Map(),
    refused: new Map(),
    saves: 0,
    saving: false,
    renaming: false,
    goingBack: [],
    starting: new Set(),
    timers: new Set(),
  }
  return log.work
}

/** The highest seq that any reader has acknowledged. */
export function highestAcked({ readers }: LogState): Seq {
  let seq = 0
  for (const reader of readers) if (reader.acked > seq) seq = reader.acked
  return seq
}

/** Who reads by this name; none for 0. */
export function readerOf({ readers }: LogState, ref: ReaderRef): Reader | undefined {
  return ref === 0 ? undefined : readers.find(({ session }) => session === ref)
}

/** Whether a reader comes, and is not told yet from where it begins. */
export const isOpening = ({ phase }: Reader): boolean => phase !== 'away' && phase !== 'replaying' && phase !== 'live'

/** Asks for a timer, unless it is already set. */
export function after(log: LogState, timer: LogTimer, ms: number, turn: LogTurn): void {
  const { timers } = workOf(log)
  if (timers.has(timer)) return
  timers.add(timer)
  turn.effects.push({ do: 'after', ms, timer })
}

/**
 * Whether the actor may hibernate. `busy`: something is under way. `keep`: it is being read, so its record must stay. `spare`: the
 * store knows everything.
 */
export function restOfLog(log: LogState): 'busy' | 'keep' | 'spare' {
  if (log.work && !isIdle(log.work)) return 'busy'
  let keep = false
  for (const reader of log.readers) {
    if (reader.fetching || reader.sizes || (reader.phase !== 'away' && reader.phase !== 'live')) return 'busy'
    if (reader.session !== 0) keep = true
  }
  return keep || log.unsaved > 0 ? 'keep' : 'spare'
}

/** Whether cursors have moved that nobody saves at this moment. */
export const isUnsaved = ({ unsaved, work }: LogState): boolean => unsaved > 0 && !work?.saving

/** Whether somebody waits for what is not durable, or cursors are being saved. */
export const isWriting = ({ work }: LogState): boolean =>
  work !== null &&
  (work.pending.length > 0 || work.waiting.length > 0 || work.paused !== null || work.saving || work.renaming)

const isIdle = (work: LogWork): boolean =>
  work.pending.length === 0 &&
  work.waiting.length === 0 &&
  !work.paused &&
  work.starting.size === 0 &&
  work.timers.size === 0 &&
  !work.renaming &&
  !work.saving
