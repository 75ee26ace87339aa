/** What a crashed user actor leaves to its successor: its mail, but for answers to what it had asked for. */
import { isAnswer, recoverLog } from '../log/recover.ts'
import type { UserMessage } from './messages.ts'
import type { UserState } from './state.ts'

/** Answers to what the former life had asked for; the new one would take them for its own. */
const answers = new Set<UserMessage['is']>([
  'scanned',
  'checked',
  'reads',
  'settingsSaved',
  'listed',
  'recollected',
  'spanFound',
  'erased',
  'wipeConfirmed',
  'wiped',
  'past',
  'timer',
])

/** The mail of the new life. What its log had taken comes first, and then what it had refused: both came before the rest. */
export function recover(state: UserState, mail: readonly UserMessage[]): UserMessage[] {
  const rest = mail.filter((message) => !answers.has(message.is) && !isAnswer(message.is))
  return [...recoverLog(state.log, rest), ...rest]
}
