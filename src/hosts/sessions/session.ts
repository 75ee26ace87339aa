/** What the host keeps of a session, and what it needs. */
import type { NodeRouter } from '../../../actors/addresses.ts'
import type { Presented } from '../../../actors/log/types.ts'
import type { SessionRef } from '../../../actors/session/ref.ts'
import { hostBit, SessionState } from '../../../actors/session/state.ts'
import type { KeysFrame } from '../../../actors/session/types.ts'
import type { Counts } from '../../embed/counts.ts'
import type { OnEvent } from '../../embed/events.ts'
import type { Codec } from '../../protocol/codec.ts'
import { codecs } from '../../protocol/codecs.ts'
import type { ServerFrame } from '../../protocol/frames.ts'
import type { Cursor, DeviceId, Millis, UserId } from '../../protocol/ids.ts'
import type { Lifetime } from '../../protocol/lifetime.ts'
import type { Limits } from '../../protocol/limits.ts'
import type { Runtime } from '../../runtime/index.ts'
import type { Admit } from './admission.ts'
import type { Enter } from './entrance.ts'

/** Where clients connect from; one object for all connections of an address. */
export type Address = { readonly text: string; open: number }

/** As those of the state, above them. */
const bits = { open: hostBit, sealed: hostBit * 2, codec: hostBit * 4 }
/** The lowest bit that is the gateway's. */
export const gatewayBit = bits.codec * 4

/**
 * A connected device: the state of its machine, what the host keeps, and in the class that a gateway derives its socket. One
 * object for the three of them: as three that refer to each other they took 176 bytes more for each user.
 */
export abstract class Session extends SessionState {
  /** 0 until it is opened. */
  ref: SessionRef = 0
  readonly address: Address

  constructor(limits: Limits, now: Millis, codec: Codec | undefined, address: Address, token: string | null) {
    super(limits, now)
    this.flags = codec ? bits.codec * (codecs.indexOf(codec) + 1) : 0
    this.address = address
    this.token = token
  }

  /** Undefined: the client offers none that is known, and is closed. */
  get codec(): Codec | undefined {
    return codecs[((this.flags / bits.codec) & 3) - 1]
  }

  /** Frames come and go; no more after the node has closed it. */
  get open(): boolean {
    return (this.flags & bits.open) !== 0
  }
  set open(open: boolean) {
    this.flag(bits.open, open)
  }

  /** It takes sealed messages. */
  get sealed(): boolean {
    return (this.flags & bits.sealed) !== 0
  }
  set sealed(sealed: boolean) {
    this.flag(bits.sealed, sealed)
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
