/** A socket: what waits on it both ways, until somebody lets it arrive. */
import { Session } from '../../src/hosts/sessions/session.ts'
import type { ClientFrame, ServerFrame } from '../../src/protocol/frames.ts'
import { jsonCodec } from '../../src/protocol/json.ts'
import type { Limits } from '../../src/protocol/limits.ts'
import type { Life } from './life.ts'

const address = { text: '127.0.0.1', open: 0 }

export class Wire extends Session {
  readonly up: ClientFrame[] = []
  readonly down: ServerFrame[] = []
  /** Why the node has closed it. */
  code: number | null = null
  readonly #life: Pick<Life, 'acts'>
  readonly #leaves: (frame: ServerFrame) => void
  readonly #ended: (wire: Wire, code: number) => void

  /** `leaves`: sees what the node sends, also where it never arrives. `ended`: the node hears at once that it has closed the wire. */
  constructor(
    limits: Limits,
    now: number,
    life: Pick<Life, 'acts'>,
    leaves: (frame: ServerFrame) => void,
    ended: (wire: Wire, code: number) => void,
  ) {
    super(limits, now, jsonCodec, address, null)
    this.#life = life
    this.#leaves = leaves
    this.#ended = ended
  }

  send(data: string): boolean {
    if (!this.#life.acts()) return true
    for (const frame of jsonCodec.decode(data) as ServerFrame[]) {
      this.#leaves(frame)
      this.down.push(frame)
    }
    return true
  }

  end(code: number): void {
    if (!this.#life.acts()) return
    this.code = code
    this.#ended(this, code)
  }

  /** What waits on its way to the node, as one WebSocket message. */
  take(): string {
    return String(jsonCodec.encode(this.up.splice(0)))
  }
}
