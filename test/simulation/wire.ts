/** A socket: what waits on it both ways, until somebody lets it arrive. */
import { Session } from '../../src/hosts/sessions/session.ts'
import type { ClientFrame, ServerFrame } from '../../src/protocol/frames.ts'
import { jsonCodec } from '../../src/protocol/json.ts'
import type { Limits } from '../../src/protocol/limits.ts'

const address = { text: '127.0.0.1', open: 0 }

export class Wire extends Session {
  readonly up: ClientFrame[] = []
  readonly down: ServerFrame[] = []
  /** Why the node has closed it. */
  code: number | null = null
  readonly #leaves: (frame: ServerFrame) => void

  /** `leaves`: sees what the node sends, also where it never arrives. */
  constructor(limits: Limits, now: number, leaves: (frame: ServerFrame) => void) {
    super(limits, now, jsonCodec, address, null)
    this.#leaves = leaves
  }

  send(data: string): boolean {
    for (const frame of jsonCodec.decode(data) as ServerFrame[]) {
      this.#leaves(frame)
      this.down.push(frame)
    }
    return true
  }

  end(code: number): void {
    this.code = code
  }

  /** What waits on its way to the node, as one WebSocket message. */
  take(): string {
    return String(jsonCodec.encode(this.up.splice(0)))
  }
}
