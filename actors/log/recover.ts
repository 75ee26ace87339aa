/** What a log of an actor that crashed leaves to its successor: the messages that nobody has been answered yet, in their order. */
import type { Incoming, LogAnswer, LogState } from './types.ts'

/** Answers to what the former life had asked for; the new one would take them for its own. */
const answers: Record<Exclude<LogAnswer['is'], 'refusals'>, true> = {
  found: true,
  appended: true,
  unappended: true,
  page: true,
  saved: true,
  renamed: true,
  started: true,
}
export const isAnswer = (is: string): boolean => Object.hasOwn(answers, is)

/** What comes before the rest of the mail, `mail`: what is in it already is not repeated. */
export function recoverLog(
  { work }: LogState,
  mail: readonly object[],
): (Incoming | Extract<LogAnswer, { is: 'refusals' }>)[] {
  if (!work) return []
  const queued = new Set(mail.map((message) => ('ticket' in message ? message.ticket : 0)))
  const lost = work.pending.flatMap(({ known }) => known?.askers ?? [])
  const unanswered = [...lost, ...(work.paused ? [work.paused.message] : []), ...work.waiting]
  return [
    // They may be durable already. Were they only sent again by their clients, those behind them in the mail would overtake them.
    ...unanswered.filter(({ ticket }) => !queued.has(ticket)).map((message) => ({ ...message, again: true })),
    ...(work.refused.size > 0 ? [{ is: 'refusals' as const, steps: work.refused }] : []),
  ]
}
