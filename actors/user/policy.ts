/** What becomes of a message that comes in: whether this user takes it, and how long it stays. */
import { isGroup, type UserId } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import { isQuiet } from '../../src/protocol/sealed.ts'
import { lifetimeOf } from '../lifetime.ts'
import { accepted, nextTime } from '../log/append.ts'
import { highestAcked } from '../log/state.ts'
import type { Accepted, Deliver, Incoming, Judgement } from '../log/types.ts'
import { turnsAway } from '../settings.ts'
import type { UserState } from './state.ts'
import type { UserTurn } from './turn.ts'

/** The place of a message that was swallowed: no receipt ever reaches it. */
const swallowedSeq = Number.MAX_SAFE_INTEGER

const taken: Judgement = {}

/** The chat of a message, as this user names it. */
export const chatOf = (message: Incoming): UserId =>
  message.is === 'copy' ? message.to : (message.place?.group ?? message.from)

export function judge(state: UserState, message: Incoming, turn: UserTurn): Judgement {
  const chat = chatOf(message)
  const ofChat = isGroup(chat) ? message.lifetime : lifetimeOf(state.settings, chat, turn.limits.lifetime)
  // A history is of people.
  const lifetime = ofChat === 'permanent' && isQuiet(message.body) ? undefined : ofChat
  const instead = message.is === 'deliver' ? insteadOf(state, message, lifetime, turn) : undefined
  const pauses = message.change === 'lifetime' && !isGroup(chat)
  return lifetime || instead || pauses ? { lifetime, instead, pauses } : taken
}

/**
 * The answer to a message that this user does not take; undefined: it is taken, as everything in a group is. An invitation that is
 * not taken is swallowed: nobody is told why somebody does not join.
 */
function insteadOf(
  state: UserState,
  { from, place, denied }: Deliver,
  lifetime: Lifetime | undefined,
  turn: UserTurn,
): Accepted | undefined {
  if (denied) return { is: 'refused', code: denied }
  const invites = place?.change === 'invite'
  const code = from === state.user || (place && !invites) ? undefined : turnsAway(state.settings, from)
  if (code && !invites && (code !== 'blocked' || !turn.limits.swallows)) return { is: 'refused', code }
  if (code) return accepted(state.log, { seq: swallowedSeq, time: nextTime(state.log, turn.now) }, lifetime)
  return isInboxFull(state, turn) ? { is: 'refused', code: 'inbox_full' } : undefined
}

/** Whether it holds as much as may wait for a first device. */
function isInboxFull({ log }: UserState, { limits }: UserTurn): boolean {
  const { tail, head, settled, work } = log
  return tail + (work?.pending.length ?? 0) - Math.max(highestAcked(log), settled, head - 1) >= limits.inboxEntries
}
