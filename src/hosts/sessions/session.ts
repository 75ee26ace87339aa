/** What the host keeps of a session, and what it needs. */
import type { NodeRouter } from '../../../actors/addresses.ts'
import type { Presented } from '../../../actors/log/types.ts'
import type { SessionRef } from '../../../actors/session/ref.ts'
import { SessionState } from '../../../actors/session/state.ts'
import type { KeysFrame } from '../../../actors/session/types.ts'
import type { Counts } from '../../embed/counts.ts'
import type { OnEvent } from '../../embed/events.ts'
import type { Codec } from '../../protocol/codec.ts'
import type { ServerFrame } from '../../protocol/frames.ts'
import type { Cursor, DeviceId, Millis, UserId } from '../../protocol/ids.ts'
import type { Lifetime } from '../../protocol/lifetime.ts'
import type { Limits } from '../../protocol/limits.ts'
import type { Runtime } from '../../runtime/index.ts'
import type { Admit } from './admission.ts'
import type { Enter } from './entrance.ts'

/** Where clients connect from; one object for all connections of an address. */
export type Address = { readonly text: string; open: number }

/**
 * A connected device: the state of its machine, what the host keeps, and in the class that a gateway derives its socket. One
 * object for the three of them: as three that refer to each other they took 176 bytes more for each user.
 */
export abstract class Session extends SessionState {
  /** 0 until it is opened. */
  ref: SessionRef = 0
  /** Undefined: the client offers none that is known, and is closed. */
  readonly codec: Codec | undefined
  readonly address: Address
  /** The token of the upgrade, until hello. */
  token: string | null
  /** Frames to send at the end of this lap; null for none. */
  out: ServerFrame[] | null = null
  /** Frames come and go; no more after the node has closed it. */
  open = false

  constructor(limits: Limits, now: Millis, codec: Codec | undefined, address: Address, token: string | null) {
    super(limits, now)
    this.codec = codec
    this.address = address
    this.token = token
  }

  /** Sends one WebSocket message, nothing once the socket has closed. False: the client does not read, and the message was dropped. */
  abstract send(data: string | Uint8Array): boolean
  abstract end(code: number, reason: string): void
}

export type SessionsContext = {
  readonly runtime: Runtime
  readonly router: NodeRouter
  readonly limits: Limits & { readonly lifetime?: Lifetime }
  readonly heartbeatMs: Millis
  readonly enter: Enter
  readonly admit: Admit
  /** What is asked of public keys. */
  readonly keys: (asker: { readonly user: UserId; readonly device: DeviceId }, frame: KeysFrame) => Promise<ServerFrame>
  readonly onEvent?: OnEvent | undefined
  readonly counts: Counts
  /** The name of this life of the store; 0: none. */
  readonly life: number
  readonly presented: (cursor: Cursor) => Presented | Promise<Presented>
  /** Where references come from; left out: of their own. */
  readonly numbers?: { last: SessionRef } | undefined
  /** Hears of each session of a user that has ended, after its actors. */
  readonly ended?: ((session: SessionRef) => void) | undefined
  /** In a cluster: the name of the node that has a user's actor. */
  readonly homeOf?: ((user: UserId) => string | undefined) | undefined
}
