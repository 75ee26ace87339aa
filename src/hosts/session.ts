/** What the host keeps of a session, and what it needs. */
import type { SessionState } from '../../actors/session/types.ts'
import type { Accepted, SessionRef } from '../../actors/user/types.ts'
import type { Codec } from '../protocol/codec.ts'
import type { ServerFrame } from '../protocol/frames.ts'
import type { Millis } from '../protocol/ids.ts'
import type { Limits } from '../protocol/limits.ts'
import type { Asks, Runtime } from '../runtime/index.ts'
import type { Admit } from './admission.ts'
import type { Groups } from './groups.ts'
import type { Authenticate, Connection } from './ports.ts'
import type { PresenceActors } from './presence.ts'
import type { Users } from './users.ts'

export type Session = {
  readonly ref: SessionRef
  readonly connection: Connection
  readonly codec: Codec
  readonly address: string
  readonly state: SessionState
  /** Frames to send at the end of this turn; null for none. */
  out: ServerFrame[] | null
  epoch: number
  /** The last send that waits to be admitted, and with it those before. */
  admitting: Promise<void> | null
  /** The token of the upgrade, until hello. */
  token: string | null
  closed: boolean
}

export type SessionsContext = {
  readonly runtime: Runtime
  readonly asks: Asks<Accepted>
  readonly limits: Limits
  readonly heartbeatMs: Millis
  readonly authenticate: Authenticate
  readonly admit: Admit
  readonly actors: () => { readonly users: Users; readonly groups: Groups; readonly presence: PresenceActors }
}
