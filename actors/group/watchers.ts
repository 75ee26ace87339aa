/** Who has the group open, and is told who types there. It may be lost: a client watches again after each welcome. */
import type { Typing } from '../../src/protocol/frames.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import type { SessionRef } from '../session/ref.ts'
import { isMember } from './members.ts'
import type { GroupState, GroupTurn } from './types.ts'

export function watch(state: GroupState, session: SessionRef, by: UserId, turn: GroupTurn): void {
  if (!isMember(state.members.get(by))) {
    const code = state.exists ? 'not_a_member' : 'unknown_group'
    return void turn.effects.push({ do: 'refuse', session, kind: 'watch', code })
  }
  state.watchers = [...without(state, session), { session, user: by }]
  turn.effects.push({ do: 'watching', session })
}

/** Told to the other members that watch. */
export function typing(state: GroupState, by: UserId, what: Typing, turn: GroupTurn): void {
  const member = (user: UserId) => isMember(state.members.get(user))
  if (!member(by)) return
  for (const { session, user } of state.watchers)
    if (user !== by && member(user)) turn.effects.push({ do: 'typing', watcher: session, by, what })
}

export const without = ({ watchers }: GroupState, session: SessionRef): GroupState['watchers'] =>
  watchers.filter((watcher) => watcher.session !== session)
