/**
 * Whether a log is still the one that somebody has a place of. Each start of a node on a store is a life, with a random name that
 * welcomes carry, and terms give lives their order. Who shows a life that the store does not know, or a seq above what the log had at
 * the end of that life, has seen a life that never was: the store was put back from an earlier moment.
 */
import type { Seq } from '../../src/protocol/ids.ts'
import type { Life } from '../../src/store/contract.ts'
import { writeName } from './certain.ts'
import type { LogLimits, LogState, LogTurn, Presented, Reader } from './types.ts'

/** The highest seq that the log had while the node of `term` ran, or lower, where the list is short; of a term that was not told, the tail. */
export function endOf(
  { lives, tail }: { readonly lives: readonly Life[]; readonly tail: Seq },
  term = Number.POSITIVE_INFINITY,
): Seq {
  for (const life of lives) if (life.term > term) return life.from - 1
  return tail
}

/** The list once the node of `term` has appended from `from` on. */
export const continued = (lives: readonly Life[], term: number, from: Seq): readonly Life[] =>
  (lives.at(-1)?.term ?? 0) < term ? [...lives, { term, from }] : lives

/** Up to which seq that holds what was told of a log, by the name that it had; 0: nothing does. */
export function standing(
  log: Pick<LogState, 'epoch' | 'was' | 'lives' | 'tail'>,
  { epoch, seq, term }: Presented,
): Seq {
  if (epoch !== log.epoch && epoch !== log.was) return 0
  return Math.min(seq, endOf(log, term))
}

/** Whether a cursor is of this log. */
export const isHeld = (log: LogState, { epoch, seq, term }: Presented): boolean =>
  epoch === log.epoch && seq <= endOf(log, term)

/** The highest seq that a reader has. */
export const most = ({ seq, seen = 0 }: Presented): Seq => Math.max(seq, seen)

/** Whether the log got another name in this life of the node. */
export const isRenamed = (log: LogState, { life }: LogLimits): boolean => log.epoch === life

/**
 * The reader has what this log never had: it is of a life that was lost. Only readers of this log can say so, and once in a life of
 * the node: nobody makes others get all anew, nor a store write without end.
 */
export const wasPutBack = (log: LogState, cursor: Presented, limits: LogLimits): boolean =>
  cursor.term !== undefined &&
  cursor.term !== limits.term &&
  cursor.epoch === log.epoch &&
  !isRenamed(log, limits) &&
  most(cursor) > endOf(log, cursor.term)

/**
 * What anybody has of the log by its former name means nothing any more: seqs are of other entries. The new name is that of this
 * life, which is as random as any. All others who read it come again, and are judged by what they have.
 */
export function rename(log: LogState, comes: Reader, turn: LogTurn): void {
  log.was = log.epoch
  log.epoch = turn.limits.life
  for (const reader of log.readers)
    if (reader !== comes && reader.phase !== 'away') turn.said.push({ says: 'broken', reader, code: 'resync' })
  writeName(log, turn)
}
