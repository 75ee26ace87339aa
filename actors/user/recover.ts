/** What a crashed user actor leaves to its successor: the messages that nobody has been answered yet, in their order. */
import type { Copy, Deliver, UserMessage, UserState } from './types.ts'

/** Answers to what the former life had asked for; the new one would take them for its own. */
const results = new Set<UserMessage['is']>([
  'appended',
  'unappended',
  'found',
  'page',
  'checked',
  'saved',
  'kept',
  'started',
  'looked',
  'erased',
  'past',
  'timer',
])

/**
 * The mail of the new life; an answer to the former one is left out, also the one that crashed it. Unanswered messages come first,
 * marked as repeats since they may be durable already: were they only sent again by their clients, those behind them in the mail
 * would overtake them.
 */
export function recover(state: UserState, mail: readonly UserMessage[]): UserMessage[] {
  const rest = mail.filter((message) => !results.has(message.is))
  const refusals: UserMessage[] = state.work?.refused.size ? [{ is: 'refusals', turns: state.work.refused }] : []
  const queued = new Set(rest.map((message) => ('ticket' in message ? message.ticket : 0)))
  return [
    ...unanswered(state)
      .filter(({ ticket }) => !queued.has(ticket))
      .map((message) => ({ ...message, again: true })),
    ...refusals,
    ...rest,
  ]
}

function unanswered({ work }: UserState): (Deliver | Copy)[] {
  if (!work) return []
  const lost = work.pending.flatMap(({ known }) => known?.askers ?? [])
  return [...lost, ...(work.changing ? [work.changing.message] : []), ...work.waiting]
}
