import type { Connection } from '../hosts/ports.ts'
import type { Codec } from '../protocol/codec.ts'
import type { WebSocket } from './uws.ts'

/** What travels with a socket. */
export type Socket = { readonly client: Client }

/** Where clients connect from; one object for all connections of an address. */
export type Address = { readonly text: string; open: number }

/** A connection, one object for the gateway and the hosts: with closures and a set of open sockets it took 250 bytes more. */
export class Client implements Connection {
  readonly codec: Codec | undefined
  readonly address: Address
  /** The token of the upgrade, until the session has it. */
  token: string | null
  ref = 0
  /** Null before it opens and after it closed, when any call on it would throw. */
  #socket: WebSocket<Socket> | null = null

  constructor(codec: Codec | undefined, address: Address, token: string | null) {
    this.codec = codec
    this.address = address
    this.token = token
  }

  opened(socket: WebSocket<Socket>): void {
    this.#socket = socket
  }

  closed(): void {
    this.#socket = null
  }

  send(data: string | Uint8Array): boolean {
    // One send needs no cork. 2: it was dropped.
    return this.#socket?.send(data, typeof data !== 'string') !== 2
  }

  close(code: number, reason: string): void {
    this.#socket?.end(code, reason)
  }
}
