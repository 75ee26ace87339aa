/**
 * Cursors and the settled mark are saved together, some time after they moved: what a crash forgets, the next reader repeats.
 * Acks move them with each message, and a save for each would double what a message costs: those wait for long.
 */
import type { Seq } from '../../src/protocol/ids.ts'
import { after, isOpening, workOf } from './state.ts'
import type { LogState, LogTurn, Reader } from './types.ts'

/** A reader that came, left or was new. */
const saveMs = 2_000
/** So many acks are not waited with: a crash repeats no more of them. */
const unsavedAcks = 256

export function saveSoon(log: LogState, turn: LogTurn): void {
  log.unsaved = Math.max(log.unsaved, 1)
  if (!workOf(log).saving) after(log, 'save', saveMs, turn)
}

export function saveAtOnce(log: LogState, turn: LogTurn): void {
  log.unsaved = Math.max(log.unsaved, 1)
  saveNow(log, turn)
}

/** Something moved; `entries` are acknowledged by it. */
export function saveSomeTime(log: LogState, entries: number, turn: LogTurn): void {
  log.unsaved = Math.max(log.unsaved, 1) + entries
  if (log.unsaved > unsavedAcks) return saveSoon(log, turn)
  if (log.saveTimed) return
  log.saveTimed = true
  turn.effects.push({ do: 'after', ms: turn.saveAcksMs, timer: 'saveAcks' })
}

/** Saves what has moved, unless a save is under way: then that is followed by another. */
export function saveNow(log: LogState, turn: LogTurn): void {
  const work = workOf(log)
  if (log.unsaved === 0 || work.saving) return
  log.unsaved = 0
  work.saving = true
  work.saves += 1
  const cursors = log.readers.map((reader) => ({
    device: reader.device,
    seq: reader.acked,
    // One that is not told yet from where it begins was last here when it is written.
    seenAt: reader.session === 0 || isOpening(reader) ? reader.seenAt : turn.now,
  }))
  const save = { do: 'save', epoch: log.epoch, cursors, settled: log.settled } as const
  const reads = turn.reads()
  turn.effects.push(reads ? { ...save, reads } : save)
}

export function saved(log: LogState, ok: boolean, turn: LogTurn): void {
  const work = workOf(log)
  work.saving = false
  turn.said.push({ says: 'saved', nth: work.saves, ok })
  if (!ok) log.unsaved = Math.max(log.unsaved, 1)
  if (log.unsaved > 0) saveSoon(log, turn)
}

/** Everything that is to follow from the entries up to here has followed. */
export function settle(log: LogState, upTo: Seq, turn: LogTurn): void {
  if (upTo <= log.settled) return
  log.settled = upTo
  saveSomeTime(log, 0, turn)
}

/** Forgets who does not read it any more. */
export function forgetReader(log: LogState, reader: Reader, turn: LogTurn): void {
  log.readers = log.readers.filter((other) => other !== reader)
  saveSoon(log, turn)
}
