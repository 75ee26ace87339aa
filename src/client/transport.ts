/** What carries the WebSocket messages of a client: the platform, or what a program brings. */

/** Opens a connection for WebSocket messages. It knows no frames; a fake is ten lines. */
export type Transport = (url: string, subprotocol: string, events: TransportEvents) => Connection

/** A WebSocket that may be open still, or be over already. */
export interface Connection {
  /** Called only between `opened` and `lost`. */
  send(data: string | Uint8Array): void
  close(code: number, reason: string): void
}

/** What a transport tells of one connection. */
export interface TransportEvents {
  opened(): void
  heard(data: string | Uint8Array): void
  /** Comes once, also where the connection never opened. `code`: a WebSocket close code; `why`: what the platform says, if it does. */
  lost(code: number, why?: string): void
}
