/**
 * Timers of entries that do not stay. One starts when its event is durable and has settled: of what has vanished nobody could be
 * told any more. A crash before the start makes an entry stay longer, never shorter.
 */
import { type Entry, type Started, waitsFor } from '../../src/protocol/entry.ts'
import type { Seq } from '../../src/protocol/ids.ts'
import { after, workOf } from './state.ts'
import type { LogAnswer, LogState, LogTurn } from './types.ts'

/** Timers that could not be started are tried again after this time. */
const retryMs = 5_000

/** An entry is durable: its timer waits from now on. */
export function noteWaiting(log: LogState, entry: Entry): void {
  const kind = waitsFor(log.owner, entry)
  if (!kind) return
  log.waiting ??= { temporary: 0, delivered: 0, read: 0 }
  log.waiting[kind] ||= entry.seq
}

/** Starts the timers of what has settled, and of what all readers have: `lowest` is how far all who count have acknowledged. */
export function startDue(log: LogState, lowest: () => Seq, turn: LogTurn): void {
  if (mayStart(log, 'delivered')) start(log, 'delivered', log.settled, turn)
  if (!mayStart(log, 'temporary')) return
  const upTo = lowest()
  if (upTo >= (log.waiting?.temporary ?? 0)) start(log, 'temporary', Math.min(upTo, log.settled), turn)
}

function mayStart({ waiting, settled, work }: LogState, is: 'temporary' | 'delivered'): boolean {
  const first = waiting?.[is] ?? 0
  return first > 0 && first <= settled && !work?.starting.has(is)
}

function start(log: LogState, is: 'temporary' | 'delivered', upTo: Seq, turn: LogTurn): void {
  workOf(log).starting.add(is)
  turn.effects.push({ do: 'start', started: { is, upTo }, tail: log.tail, session: 0 })
}

/** Timers run, or may. What was appended meanwhile may wait, too. Those of what was read its owner starts, and repeats. */
export function started(
  log: LogState,
  { started: { is }, tail, lowest }: Extract<LogAnswer, { is: 'started' }>,
  turn: LogTurn,
): void {
  if (lowest === null) return is === 'read' ? undefined : after(log, 'start', retryMs, turn)
  if (is !== 'read') workOf(log).starting.delete(is)
  wait(log, is, lowest || (log.tail > tail ? tail + 1 : 0))
}

function wait(log: LogState, is: Started['is'], first: Seq): void {
  const { waiting } = log
  if (!waiting) return
  waiting[is] = first
  if (waiting.temporary + waiting.delivered + waiting.read === 0) log.waiting = null
}
