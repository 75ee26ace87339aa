/** What one turn gives a user actor. */

import type { ErrorCode } from '../../src/protocol/codes.ts'
import type { DeviceId, Seq } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import type { Draft, Incoming, LogEvent, LogLimits, LogTurn } from '../log/types.ts'
import type { SessionRef } from '../session/ref.ts'
import type { Turn } from '../turn.ts'
import type { UserEffect } from './effects.ts'

/** The limits that the actor keeps; units in src/protocol/limits.ts. */
export type UserLimits = LogLimits & {
  readonly devices: number
  readonly inboxEntries: number
  readonly listed: number
  readonly deviceAwayMs: number
  readonly chats: number
  readonly chatsMs: number
  /** A blocked sender is answered as if the message were taken. */
  readonly swallows: boolean
  /** How long messages of a chat stay until somebody changes it. */
  readonly lifetime: Lifetime
}

/** What a feature of the user wants of the log. It is heeded in its turn, as what the log says. */
export type Wish =
  /** `lazy`: nobody waits for it. */
  | { readonly says: 'write'; readonly draft: Draft; readonly lazy: boolean }
  | { readonly says: 'settle'; readonly upTo: Seq }
  /** Save cursors and the settled mark now. */
  | { readonly says: 'save' }
  /** A device is removed: that its tokens let it in no more is durable. */
  | { readonly says: 'remove'; readonly session: SessionRef; readonly device: DeviceId }
  /** The message that pauses the log goes on, or is refused. */
  | { readonly says: 'resume'; readonly message: Incoming | ErrorCode }

export type UserTurn = Turn<UserLimits, UserEffect> &
  Omit<LogTurn, 'effects' | 'said'> & { readonly said: (LogEvent | Wish)[] }
