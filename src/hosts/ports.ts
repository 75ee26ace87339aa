/** What the hosts of actors need of each other, as narrow as they use it. */
import type { SessionRef } from '../../actors/session/ref.ts'
import type { UserEffect } from '../../actors/user/effects.ts'
import type { CloseCode } from '../protocol/codes.ts'
import type { ServerFrame } from '../protocol/frames.ts'
import type { UserId } from '../protocol/ids.ts'
import type { Settings } from '../protocol/settings.ts'

/** What actors may do with sessions. A session that has gone swallows it. */
export interface SessionPort {
  push(session: SessionRef, frame: ServerFrame): void
  /** As `push`, for what may be lost: not to a session that has much to send already. */
  hint(session: SessionRef, frame: ServerFrame): void
  welcome(welcome: Extract<UserEffect, { do: 'welcome' }>): void
  siblings(session: SessionRef): void
  wasted(session: SessionRef): void
  settings(session: SessionRef, settings: Settings): void
  close(session: SessionRef, code: CloseCode): void
  /** Attaches all sessions of a user to their restarted actor. */
  reattach(user: UserId): void
  closeUser(user: UserId, code: CloseCode): void
}
