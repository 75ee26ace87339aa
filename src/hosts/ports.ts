/** What the hosts of actors need of each other, as narrow as they use it. */
import type { SessionRef, UserEffect } from '../../actors/user/types.ts'
import type { CloseCode } from '../protocol/codes.ts'
import type { Entry } from '../protocol/entry.ts'
import type { ServerFrame } from '../protocol/frames.ts'
import type { Change } from '../protocol/group.ts'
import type { Millis, Seq, UserId } from '../protocol/ids.ts'
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

/** What an embedder is told of. */
export interface NodeEvents {
  accepted(to: UserId, accepted: { epoch: number; entry: Extract<Entry, { is: 'message' }> }): void
  receipted(from: UserId, receipt: { peer: UserId; epoch: number; delivered: Seq; read: Seq }): void
}

/** Who a token stands for. */
export type Identity = {
  readonly user: string
  /** Missing: the client names it. */
  readonly device?: string
  /** When the token is over, in ms since 1970: the client is asked for another before. Missing: never. */
  readonly expires?: Millis
  /** When the token was made, in ms since 1970. A device that was removed comes back only by one that was made later. Missing: by any. */
  readonly issuedAt?: Millis
}
/**
 * Checks a token. Undefined: it is not valid, and the client stays away. A throw: that cannot be told now, and the client comes
 * back. `device` is what the client calls itself.
 */
export type Authenticate = (
  token: string | null,
  client: { readonly device: string | null; readonly address: string },
) => Identity | undefined | Promise<Identity | undefined>

/** Decides on a send before it is delivered. False refuses it for good (`refused`). */
export type Allow = (message: {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly body: string | Uint8Array
  /** What the message changes in the chat; the body is the value. */
  readonly change?: Change
}) => boolean | Promise<boolean>
