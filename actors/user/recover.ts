/** What a crashed user actor leaves to its successor: the messages that nobody has been answered yet, in their order. */
import { key } from './append.ts'
import type { Copy, Deliver, UserMessage, UserState } from './types.ts'

/** Answers to what the former life had asked for; the new one would take them for its own. */
const results = new Set<UserMessage['is']>(['appended', 'unappended', 'found', 'page', 'checked', 'saved', 'timer'])

/**
 * The mail of the new life. Unanswered messages come first, marked as repeats since they may be durable already: were they
 * only sent again by their clients, those behind them in the mail would overtake them.
 */
export function recover(state: UserState, mail: readonly UserMessage[]): UserMessage[] {
  const rest = mail.filter((message) => !results.has(message.is) || message === mail[0])
  const queued = new Set(rest.map((message) => ('ticket' in message ? message.ticket : 0)))
  return [...unanswered(state).filter(({ ticket }) => !queued.has(ticket)), ...rest]
}

function unanswered({ user, work }: UserState): (Deliver | Copy)[] {
  if (!work) return []
  const lost: (Deliver | Copy)[] = []
  for (const entry of work.pending) {
    if (entry.is === 'receipt') continue
    const { id, body } = entry
    for (const ticket of work.known.get(key(entry.is === 'message' ? entry.from : user, id))?.tickets ?? []) {
      if (entry.is === 'copy') lost.push({ is: 'copy', to: entry.to, at: entry.at, id, body, again: true, ticket })
      else lost.push({ is: 'deliver', session: 0, from: entry.from, id, body, again: true, ticket })
    }
  }
  for (const message of work.waiting) lost.push({ ...message, again: true })
  return lost
}
