import type { Codec } from '../protocol/codec.ts'
import type { Body, Position } from '../protocol/ids.ts'
import type { Storage } from './storage.ts'

export type ConnectOptions = {
  /** `ws://` or `wss://`. */
  readonly url: string
  /** The token, or what makes one before each connection. */
  readonly token: string | (() => string | Promise<string>)
  /** What this client calls itself, where the token does not say. Default `default`. */
  readonly device?: string
  /** Default: in memory. */
  readonly storage?: Storage
  /** Default JSON; `msgpack` of `bluetick/client/msgpack` is smaller on the wire. */
  readonly codec?: Codec
  /** Connects without counting as the person being here. */
  readonly background?: boolean
}

/** queued: safe in this client's storage. sent: durable at the server. refused: never will be. They only rise. */
export type MessageState = 'queued' | 'sent' | 'delivered' | 'read' | 'refused'

/** A message of this user. */
export type Outgoing = {
  readonly id: string
  readonly to: string
  readonly body: Body
  /** Milliseconds since 1970: by this client's clock until it is sent, then by the server's. */
  readonly time: number
  readonly state: MessageState
  /** Where it stands in the recipient's inbox, once sent. */
  readonly at: Position | null
  /** Why it was refused. */
  readonly code: string | null
}

/** A message for this user. */
export type Incoming = {
  readonly id: string
  readonly from: string
  readonly body: Body
  readonly time: number
  readonly seq: number
  /** Tells the sender that the chat is read up to here. Kept, and repeated until the server has it. */
  read(): void
}

export type Presence = { readonly online: true } | { readonly online: false; readonly lastSeen?: Date }

export type ConnectionStatus =
  | { readonly is: 'connecting' }
  | { readonly is: 'online'; readonly user: string; readonly device: string }
  /** `retryAt`: milliseconds since 1970. */
  | { readonly is: 'waiting'; readonly retryAt: number; readonly attempt: number; readonly reason: string }
  /** For good: `code` is a close code's name, `closed`, or a storage error. */
  | { readonly is: 'closed'; readonly code: string }

export type ClientEvents = {
  /** An own message was queued, or its state rose; also one that another own device sent. */
  message: Outgoing
  connection: ConnectionStatus
  /** Entries are missing: they expired at the server, or the inbox was reset. */
  gap: { readonly epoch: number; readonly seq: number }
}

/** `retry`: the same call may succeed later. */
export class BluetickError extends Error {
  readonly code: string
  readonly retry: boolean
  constructor(code: string, retry: boolean, text = code) {
    super(text)
    this.name = 'BluetickError'
    this.code = code
    this.retry = retry
  }
}
