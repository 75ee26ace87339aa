/** The receiving half: entries come in order, each once, and the cursor passes what the application has finished with. */
import type { EntryFrame } from '../../protocol/frames.ts'
import type { Change } from '../../protocol/group.ts'
import type { Body, Cursor } from '../../protocol/ids.ts'
import type { Attachment } from '../types.ts'
import { attachment } from './attachment.ts'

export type Received = {
  readonly epoch: number
  readonly seq: number
  readonly id: string
  readonly chat: string
  readonly from: string
  readonly time: number
  readonly body: Body
  readonly media: Attachment | null
  readonly change: Change | null
}

export class Inbox {
  /** How far the storage has it: what is acknowledged to the server never goes beyond. */
  safe: Cursor = { epoch: 0, seq: 0 }
  #received = 0
  /** How far the storage was asked to have it. */
  #asked = 0
  /** In order: what the application has not finished with. The server sends no more than its window of them. */
  #messages: Received[] = []
  /** How many of these the application holds at the moment. */
  #held = 0

  restore(cursor: Cursor): void {
    this.safe = cursor
    this.#received = cursor.seq
    this.#asked = cursor.seq
  }

  /** The server's answer to hello: entries follow from `seq` + 1. True: entries are missing before that. */
  welcome(epoch: number, seq: number, resumed: boolean): boolean {
    // An empty log may change its name: the server keeps it from the first entry on.
    const empty = this.#received === 0
    if (resumed && (epoch === this.safe.epoch || empty)) {
      if (empty) this.restore({ epoch, seq })
      return false
    }
    this.restore({ epoch, seq })
    return true
  }

  /** Takes an entry. `repeat`: it is here already; `hole`: one before it is missing. */
  take(frame: EntryFrame): 'new' | 'repeat' | 'hole' {
    const seq = frame[1]
    const upTo = frame[0] === 'gone' ? frame[2] : seq
    if (upTo <= this.#received) return 'repeat'
    if (seq > this.#received + 1) return 'hole'
    this.#received = upTo
    if (frame[0] === 'message') {
      this.#messages.push(received(this.safe.epoch, frame))
    }
    return 'new'
  }

  /** The next messages for the application, at most `max`. It holds them until `finish` or `putBack`. */
  hold(max: number): readonly Received[] {
    const messages = this.#messages.slice(0, max)
    this.#held = messages.length
    return messages
  }

  finish(): void {
    this.#messages.splice(0, this.#held)
    this.#held = 0
  }

  /** The application did not finish with what it holds: these are the next ones again. */
  putBack(): void {
    this.#held = 0
  }

  /** The cursor to be stored, where it has moved past what the storage was asked for. */
  advance(): Cursor | undefined {
    const { epoch } = this.safe
    // Messages of a log that was reset meanwhile are still handed out, and hold up nothing.
    const open = this.#messages.find((message) => message.epoch === epoch)
    const seq = open ? open.seq - 1 : this.#received
    if (seq <= this.#asked) return undefined
    this.#asked = seq
    return { epoch, seq }
  }

  /** A cursor is in the storage; true when it is news for the server. */
  stored({ epoch, seq }: Cursor): boolean {
    if (epoch !== this.safe.epoch || seq <= this.safe.seq) return false
    this.safe = { epoch, seq }
    return true
  }
}

function received(epoch: number, frame: Extract<EntryFrame, readonly ['message', ...unknown[]]>): Received {
  const [, seq, id, from, time, body, media, place, , changed] = frame
  const [chat, change] = [place?.group ?? from, place?.change ?? changed ?? null]
  return { epoch, seq, id, chat, from, time, body, media: attachment(media), change }
}
