/** What goes out to clients: the frames of a lap are one WebSocket message to each. */
import type { Counts } from '../../embed/counts.ts'
import { type CloseCode, closeCodes, errorCodes } from '../../protocol/codes.ts'
import type { ServerFrame } from '../../protocol/frames.ts'
import type { Turns } from '../../runtime/index.ts'
import type { Session } from './session.ts'

/** A session with so many frames to send in one lap gets none that may be lost. */
const crowded = 32

export class Output {
  readonly #turns: Pick<Turns, 'send'>
  readonly #counts: Counts

  constructor(turns: Pick<Turns, 'send'>, counts: Counts) {
    this.#turns = turns
    this.#counts = counts
  }

  push(session: Session, frame: ServerFrame): void {
    if (!session.open) return
    if (!session.out) {
      this.#turns.send(() => this.#flush(session))
      session.out = []
    }
    if (frame[0] === 'error') this.#counts.refused.add(frame[1])
    session.out.push(frame[0] === 'error' ? explained(frame) : frame)
  }

  /** As `push`, for what may be lost. */
  hint(session: Session, frame: ServerFrame): void {
    if ((session.out?.length ?? 0) < crowded) this.push(session, frame)
  }

  /** Does something whose frames go out at its end, while the socket is corked, and without waiting for a lap. */
  corked(session: Session, work: () => void): void {
    const alone = session.out === null
    session.out ??= []
    try {
      work()
    } finally {
      if (alone) this.#flush(session)
    }
  }

  /** Sends what is encoded already, to a session for which nothing waits. */
  send(session: Session, data: string | Uint8Array): void {
    // Of text the characters, which are its bytes but for what is not ASCII: to count these costs as much as to encode.
    this.#counts.sentBytes += data.length
    if (!session.send(data)) end(session, 'too_slow')
  }

  /** Ends a session, after what there is to send. */
  close(session: Session, code: CloseCode): void {
    if (!session.open) return
    this.#flush(session)
    end(session, code)
  }

  #flush(session: Session): void {
    const frames = session.out
    session.out = null
    if (!frames || frames.length === 0 || !session.open || !session.codec) return
    try {
      this.send(session, session.codec.encode(frames))
    } catch (error) {
      // It must not go on as if it had got them.
      end(session, 'restarted')
      throw error
    }
  }
}

function end(session: Session, code: CloseCode): void {
  session.open = false
  session.end(closeCodes[code].number, code)
}

/** With its text; and with the time to wait from the table, but for what is told its turn. */
function explained(frame: Extract<ServerFrame, readonly ['error', ...unknown[]]>): ServerFrame {
  const [, code, kind, ref, told] = frame
  const { retryAfter, text } = errorCodes[code]
  const after = code === 'rate_limited' ? told || retryAfter : retryAfter && Math.max(told, retryAfter)
  return ['error', code, kind, ref, after, text]
}
