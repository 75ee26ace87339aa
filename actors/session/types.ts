/** What a session is told, what it keeps, and what it asks of its host. */
import type { CloseCode, ErrorCode } from '../../src/protocol/codes.ts'
import type { Asked, BadFrame, ClientFrame, SendFrame, ServerFrame, Typing } from '../../src/protocol/frames.ts'
import type { Cursor, DeviceId, GroupId, Millis, Position, Seq, Shown, UserId } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import type { Setting, Settings } from '../../src/protocol/settings.ts'
import type { HistoryPosition } from '../../src/store/contract.ts'
import type { Step } from '../lanes.ts'
import type { Accepted } from '../log/types.ts'
import type { Stance } from '../settings.ts'
import type { Turn } from '../turn.ts'

export type SessionMessage =
  | { readonly is: 'frame'; readonly frame: ClientFrame | BadFrame }
  /** The answer to `authenticate`, where it lets the client in. */
  | { readonly is: 'allowed'; readonly user: UserId; readonly device: DeviceId; readonly issuedAt?: Millis | undefined }
  /** The user actor has taken the device in. `siblings`: this user has other devices. */
  | { readonly is: 'welcomed'; readonly siblings: boolean; readonly settings: Settings }
  /** This user has other devices from now on. */
  | { readonly is: 'siblings' }
  /** The user's settings: they have changed, or this device asked for them. */
  | { readonly is: 'settings'; readonly settings: Settings }
  /** The answer to `deliver` and, for `copied`, to `copy`. */
  | { readonly is: 'answered'; readonly send: SendFrame; readonly step: Step; readonly answer: Accepted }
  | {
      readonly is: 'copied'
      readonly send: SendFrame
      readonly step: Step
      readonly at: Position
      readonly time: Millis
      readonly lifetime: Lifetime | undefined
      readonly answer: Accepted
    }
  /** An ack said nothing new. */
  | { readonly is: 'wasted' }
  /** The time to hello is over. */
  | { readonly is: 'late' }

/** What is asked of the public keys of users, and left there. */
export type KeysFrame = Extract<ClientFrame, readonly ['chain' | 'link' | 'prekeys' | 'claim', ...unknown[]]>

/** What a device decides or asks for its user. */
type Own =
  | { readonly is: 'set'; readonly ref: string; readonly setting: Setting }
  | { readonly is: 'ask'; readonly what: Asked }
  | { readonly is: 'remove'; readonly device: DeviceId }
  | { readonly is: 'delete'; readonly chat: UserId; readonly from: Seq; readonly upTo: Seq }
  | {
      readonly is: 'history'
      readonly ref: string
      readonly chat: UserId
      readonly before: HistoryPosition | null
      readonly limit: number
    }

export type SessionEffect =
  | { readonly do: 'authenticate'; readonly token: string | null; readonly device: DeviceId | null }
  /** The client sends another token. */
  | { readonly do: 'renew'; readonly token: string }
  | { readonly do: 'attach'; readonly cursor: Shown | null; readonly issuedAt: Millis | undefined }
  | { readonly do: 'deliver'; readonly send: SendFrame; readonly step: Step }
  | {
      readonly do: 'copy'
      readonly send: SendFrame
      readonly step: Step
      readonly at: Position
      readonly time: Millis
      readonly lifetime: Lifetime | undefined
    }
  | { readonly do: 'ack'; readonly seq: Seq }
  | { readonly do: 'read'; readonly chat: UserId; readonly seq: Seq }
  /** `stance`: what this user lets the watched one see. */
  | { readonly do: 'watch'; readonly user: UserId; readonly stance: Stance }
  | { readonly do: 'unwatch'; readonly user: UserId }
  /** For the user's own actor. */
  | { readonly do: 'own'; readonly message: Own }
  /** Public keys, of this user or another. */
  | { readonly do: 'keys'; readonly frame: KeysFrame }
  /** A question about a group. */
  | {
      readonly do: 'ask'
      readonly group: GroupId
      readonly question: { readonly is: 'members' } | { readonly is: 'ticks'; readonly at: Seq }
    }
  /** Whether the places of own messages in the log of a chat still hold. */
  | { readonly do: 'stand'; readonly chat: UserId; readonly place: Cursor }
  /** For those who watch this user. May be lost. */
  | { readonly do: 'typing'; readonly chat: UserId; readonly what: Typing }
  /** The person did something (`user` frames), or went away from the app. */
  | { readonly do: 'active' | 'away' }
  | { readonly do: 'push'; readonly frame: ServerFrame }
  | { readonly do: 'close'; readonly code: CloseCode }

export type SessionLimits = {
  readonly framesPerSecond: number
  readonly sendsInFlight: number
  readonly watches: number
  readonly listed: number
  /** As in `UserLimits`; left out: `default`. */
  readonly lifetime?: Lifetime
}

/** `now`: by the clock that nobody sets. `effects`: one list for all frames of a WebSocket message. */
export type SessionTurn = Turn<SessionLimits, SessionEffect>

/** The text, and when to retry where that is 0, the host adds from the table. */
export const error = (code: ErrorCode, kind: string, ref: string | null, retryAfter = 0): SessionEffect => ({
  do: 'push',
  frame: ['error', code, kind, ref, retryAfter, ''],
})
