/** The receiving half: entries come in order, each once, and the cursor passes what the application has finished with. */
import type { EntryFrame } from '../protocol/frames.ts'
import type { Body, Cursor } from '../protocol/ids.ts'

type Message = Extract<EntryFrame, readonly ['message', ...unknown[]]>
export type Received = {
  readonly seq: number
  readonly id: string
  readonly from: string
  readonly time: number
  readonly body: Body
}

export class Inbox {
  cursor: Cursor
  #received: number
  /** In seq order: messages not finished, and the other entries between them. */
  #entries: { readonly seq: number; readonly message: Received | null; finished: boolean }[] = []
  #unread: Received[] = []
  #waiting: (() => void) | null = null

  constructor(cursor: Cursor) {
    this.cursor = cursor
    this.#received = cursor.seq
  }

  /** The server's answer to hello. True: the log does not go on where we were. */
  welcome(epoch: number, seq: number, resumed: boolean): boolean {
    // An empty log may change its name: the server keeps it from the first entry on.
    const fresh = this.cursor.seq === 0 && this.#received === 0
    if (resumed && (this.cursor.epoch === epoch || fresh)) {
      if (fresh) this.cursor = { epoch, seq }
      this.#received = Math.max(this.#received, seq)
      return false
    }
    this.#entries = []
    this.cursor = { epoch, seq }
    this.#received = seq
    return true
  }

  /** Takes an entry. `repeat`: it is here already; `hole`: one before it is missing. */
  take(frame: EntryFrame): 'new' | 'repeat' | 'hole' {
    const seq = frame[1]
    if (seq <= this.#received) return 'repeat'
    if (seq !== this.#received + 1) return 'hole'
    this.#received = seq
    const message = frame[0] === 'message' ? received(frame) : null
    this.#entries.push({ seq, message, finished: message === null })
    if (message) {
      this.#unread.push(message)
      this.#waiting?.()
    }
    return 'new'
  }

  /** The next message for the application; undefined when `closed` resolves first. */
  async next(closed: () => boolean): Promise<Received | undefined> {
    while (this.#unread.length === 0 && !closed()) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve
      })
    }
    return closed() ? undefined : this.#unread.shift()
  }

  /** Takes back a message that the application did not finish with: it is the next one again. */
  putBack(message: Received): void {
    this.#unread.unshift(message)
  }

  wake(): void {
    this.#waiting?.()
  }

  finish(seq: number): void {
    const entry = this.#entries.find((entry) => entry.seq === seq)
    if (entry) entry.finished = true
  }

  /** Moves the cursor past all that is finished; true when it moved. */
  advance(): boolean {
    let seq = this.cursor.seq
    while (this.#entries[0]?.finished) seq = this.#entries.shift()?.seq ?? seq
    const moved = seq > this.cursor.seq
    this.cursor = { epoch: this.cursor.epoch, seq }
    return moved
  }
}

const received = ([, seq, id, from, time, body]: Message): Received => ({ seq, id, from, time, body })
