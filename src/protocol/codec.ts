import type { Frame } from './frames.ts'

/** How frames become WebSocket messages: several frames travel in one message. */
export interface Codec {
  /** The WebSocket subprotocol that selects it. */
  readonly subprotocol: string
  /** Whether WebSocket messages are binary; text otherwise. */
  readonly binary: boolean
  /** One WebSocket message with these frames, in order. */
  encode(frames: readonly Frame[]): string | Uint8Array
  /**
   * The values in a WebSocket message: arrays that start with a kind's name. Throws where the message cannot be decoded.
   * `lent`: bytes in them may be views of `data`, which saves a copy of each body.
   */
  decode(data: string | Uint8Array, lent?: boolean): unknown[]
}
