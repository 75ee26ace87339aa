/**
 * What must be durable before a reader is told from where it begins. An actor that crashes goes on from what the store has, with whoever
 * was told: a name of the log or a cursor that only the former life knew would make of that another log, or a hole.
 */
import { saveAtOnce } from './cursors.ts'
import { after, workOf } from './state.ts'
import type { LogState, LogTurn, Reader } from './types.ts'

/** A name that could not be written is written again after this time. */
const retryMs = 1_000

export function writeName(log: LogState, turn: LogTurn): void {
  workOf(log).renaming = true
  turn.effects.push({ do: 'rename', epoch: log.epoch })
}

export function renamed(log: LogState, ok: boolean, turn: LogTurn): void {
  workOf(log).renaming = !ok
  if (!ok) after(log, 'rename', retryMs, turn)
}

/** The cursor of a reader is set back: what the store has of it is too high. */
export function goBack(log: LogState, reader: Reader, turn: LogTurn): void {
  const work = workOf(log)
  work.goingBack.push({ reader, save: work.saves + 1 })
  saveAtOnce(log, turn)
}

/** A save is durable, or not: then what was to go with it goes with the next. */
export function wentBack(log: LogState, ok: boolean): void {
  const work = workOf(log)
  const { saves, goingBack } = work
  if (goingBack.length === 0) return
  if (ok) work.goingBack = work.goingBack.filter(({ save }) => save > saves)
  else work.goingBack = work.goingBack.map(({ reader, save }) => ({ reader, save: Math.max(save, saves + 1) }))
}

export const isCertain = ({ work }: LogState, reader: Reader): boolean =>
  !work || (!work.renaming && !work.goingBack.some((one) => one.reader === reader))
