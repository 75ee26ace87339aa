import { Session } from '../hosts/sessions/session.ts'
import type { WebSocket } from './uws.ts'

/** What travels with a socket. */
export type Socket = { readonly client: Client }

/** A session and its socket. */
export class Client extends Session {
  /** Null before it opens and after it closed, when any call on it would throw. */
  #socket: WebSocket<Socket> | null = null

  opened(socket: WebSocket<Socket>): void {
    this.#socket = socket
  }

  closed(): void {
    this.#socket = null
  }

  override send(data: string | Uint8Array): boolean {
    // One send needs no cork. 2: it was dropped.
    return this.#socket?.send(data, typeof data !== 'string') !== 2
  }

  override end(code: number, reason: string): void {
    this.#socket?.end(code, reason)
  }
}
