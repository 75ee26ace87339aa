/** A connection that carries frames: encodes those of a turn into as few WebSocket messages as may be. */
import type { Codec } from '../protocol/codec.ts'
import type { ClientFrame, ServerFrame } from '../protocol/frames.ts'
import { hangUps } from './session/connection.ts'
import { frameSize } from './session/sending.ts'
import type { Connection, Transport } from './transport.ts'

/** What is told of a link until it is hung up. */
export interface LinkEvents {
  opened(): void
  heard(frames: readonly ServerFrame[]): void
  lost(code: number, why?: string): void
}

export class Link {
  readonly #codec: Codec
  readonly #connection: Connection
  #events: LinkEvents | undefined
  #open = false
  #frames: ClientFrame[] = []
  /** Bytes that the server takes in one WebSocket message. */
  frameBytes: number

  constructor(transport: Transport, url: string, codec: Codec, frameBytes: number, events: LinkEvents) {
    this.#codec = codec
    this.#events = events
    this.frameBytes = frameBytes
    this.#connection = transport(url, codec.subprotocol, {
      opened: () => {
        this.#open = true
        this.#events?.opened()
      },
      heard: (data) => this.#heard(data),
      lost: (code, why) => this.#lost(code, why),
    })
  }

  say(frame: ClientFrame): void {
    if (this.#frames.length === 0) queueMicrotask(() => this.#flush())
    this.#frames.push(frame)
  }

  /** Sends what was said, and hears nothing more. */
  hangUp(code: number, reason: string): void {
    this.#events = undefined
    this.#flush()
    this.#close(code, reason)
  }

  #close(code: number, reason: string): void {
    this.#open = false
    try {
      this.#connection.close(code, reason)
    } catch {
      // A transport of the program's. Nothing is heard of this connection any more, closed or not.
    }
  }

  #heard(data: string | Uint8Array): void {
    let frames: ServerFrame[]
    try {
      frames = this.#codec.decode(data) as ServerFrame[]
    } catch {
      const events = this.#events
      this.hangUp(hangUps.unreadable, 'unreadable')
      return events?.lost(hangUps.unreadable)
    }
    this.#events?.heard(frames)
  }

  #lost(code: number, why?: string): void {
    this.#open = false
    this.#events?.lost(code, why)
    this.#events = undefined
  }

  #flush(): void {
    const frames = this.#frames
    this.#frames = []
    if (!this.#open) return
    let batch: ClientFrame[] = []
    let size = 0
    for (const frame of frames) {
      const bytes = frameSize(frame)
      if (batch.length > 0 && size + bytes > this.frameBytes) {
        this.#send(batch)
        batch = []
        size = 0
      }
      batch.push(frame)
      size += bytes
    }
    if (batch.length > 0) this.#send(batch)
  }

  /** A transport of the program's that throws has lost the connection. */
  #send(batch: readonly ClientFrame[]): void {
    const data = this.#codec.encode(batch)
    if (!this.#open) return
    try {
      this.#connection.send(data)
    } catch (error) {
      this.#close(hangUps.broken, 'broken')
      this.#lost(hangUps.broken, String(error))
    }
  }
}
