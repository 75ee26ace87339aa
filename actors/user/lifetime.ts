/** A change of how long the messages of a chat stay. The settings come first: whoever sees the entry finds them changed. */
import type { ErrorCode } from '../../src/protocol/codes.ts'
import type { Millis, UserId } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import type { ChatLifetime } from '../../src/protocol/settings.ts'
import { isFull } from '../lifetime.ts'
import { nextTime } from '../log/append.ts'
import type { Incoming } from '../log/types.ts'
import { chatOf } from './policy.ts'
import type { UserState } from './state.ts'
import type { UserTurn } from './turn.ts'

/** What is to be kept in the settings before the message becomes an entry, at the time of that; or why it cannot be. */
export function changeOf(
  state: UserState,
  message: Incoming,
  { now, limits }: UserTurn,
): { readonly kept: ChatLifetime; readonly time: Millis } | ErrorCode {
  const chat = chatOf(message)
  // A copy is of what the other side has accepted: it is never refused for good.
  if (message.is === 'deliver' && isFull(state.settings, chat, limits.listed)) return 'list_full'
  const time = message.is === 'deliver' ? timeAfter(state, chat, now) : nextTime(state.log, now)
  const order = message.is === 'deliver' ? time : message.time
  return { kept: { chat, lifetime: message.body as Lifetime, time: order, id: message.id }, time }
}

/** Later than the change that counts now: with a clock that was set back, which gives one time to many, the id would decide. */
const timeAfter = ({ log, settings }: UserState, chat: UserId, now: Millis): Millis =>
  Math.max(nextTime(log, now), (settings.lifetimes.find((known) => known.chat === chat)?.time ?? 0) + 1)
