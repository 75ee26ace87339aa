/** The receiving half: entries come in order, each once, and the cursor passes what the application has finished with. */
import type { EntryFrame } from '../../protocol/frames.ts'
import type { Change } from '../../protocol/group.ts'
import type { Body, Cursor } from '../../protocol/ids.ts'
import type { Lifetime } from '../../protocol/lifetime.ts'
import { wasSealed } from '../../protocol/sealed.ts'
import type { Attachment, ClientEvents } from '../types.ts'
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
  readonly lifetime: Lifetime
  readonly sealed?: boolean
}

/** Tells the application to drop messages; `seq` is the entry that says so. */
export type Gone = ClientEvents['gone'] & { readonly seq: number }

export const isGone = (item: Gone | Received | readonly Received[] | undefined): item is Gone =>
  item !== undefined && 'upTo' in item

export class Inbox {
  /** How far the storage has it: what is acknowledged to the server never goes beyond. */
  safe: Cursor = { epoch: 0, seq: 0, life: 0 }
  #received = 0
  /** The highest seq that the server has told of. */
  #tail = 0
  /** How far the storage was asked to have it. */
  #asked = 0
  /** In order: what the application has not finished with. The server sends no more than its window of them. */
  #items: (Received | Gone)[] = []
  /** How many of these the application holds at the moment. */
  #held = 0

  /** Up to where entries came, which the storage may not have. */
  get received(): number {
    return this.#received
  }

  /** What came last for the application. */
  get newest(): Received | Gone | undefined {
    return this.#items.at(-1)
  }

  get tail(): number {
    return Math.max(this.#tail, this.#received)
  }

  restore(cursor: Cursor): void {
    this.safe = cursor
    this.#received = cursor.seq
    this.#asked = cursor.seq
  }

  /** The server's answer to hello: entries follow from `seq` + 1. True: some are missing before that, or may be: what is here still counts. */
  welcome({ epoch, seq, life }: Cursor, tail: number, resumed: boolean, reset: boolean): boolean {
    this.#tail = tail
    // An empty log may change its name: the server keeps it from the first entry on.
    const empty = this.#received === 0
    const goesOn = epoch === this.safe.epoch && !empty && !reset
    if (!goesOn || (!resumed && seq > this.#received)) this.restore({ epoch, seq, life })
    // What is here was found to be of the log as it is now.
    this.safe = { ...this.safe, life }
    return !(resumed && (goesOn || empty))
  }

  /** Takes an entry. `repeat`: it is here already; `hole`: one before it is missing. */
  take(frame: EntryFrame): 'new' | 'repeat' | 'hole' {
    const [kind, seq] = frame
    const last = kind === 'gone' ? frame[2] : seq
    if (seq > this.#received + 1) return 'hole'
    if (kind === 'gone' && seq <= this.#received) this.#drop(null, seq, Math.min(last, this.#received), last)
    if (last <= this.#received) return 'repeat'
    this.#received = last
    if (kind === 'message') this.#items.push(received(this.safe.epoch, frame))
    if (kind === 'deleted') this.#drop(frame[2], frame[3], frame[4], seq)
    return 'new'
  }

  /** What was not handed out yet never will be; what was the application is told to drop. */
  #drop(chat: string | null, from: number, upTo: number, seq: number): void {
    this.erase(chat, from, upTo)
    this.#items.push({ chat, epoch: this.safe.epoch, from, upTo, seq })
  }

  /** What was not handed out yet never will be. */
  erase(chat: string | null, from: number, upTo: number): void {
    const { epoch } = this.safe
    const held = this.#items.splice(0, this.#held)
    const left = this.#items.filter((item) => isGone(item) || item.epoch !== epoch || !within(item, chat, from, upTo))
    this.#items = [...held, ...left]
  }

  /** The next messages for the application, at most `max`; or what it is to drop. It holds them until `finish` or `putBack`. */
  hold(max: number): Gone | readonly Received[] {
    const [first] = this.#items
    const end = this.#items.findIndex(isGone)
    const messages = isGone(first) ? [] : this.#items.slice(0, end === -1 ? max : Math.min(max, end))
    this.#held = isGone(first) ? 1 : messages.length
    return isGone(first) ? first : (messages as Received[])
  }

  finish(): void {
    this.#items.splice(0, this.#held)
    this.#held = 0
  }

  /** The application did not finish with what it holds: these are the next ones again. */
  putBack(): void {
    this.#held = 0
  }

  /** The cursor to be stored, where it has moved past what the storage was asked for. */
  advance(): Cursor | undefined {
    const { epoch, life } = this.safe
    // Messages of a log that was reset meanwhile are still handed out, and hold up nothing.
    const open = this.#items.find((item) => item.epoch === epoch)
    const seq = open ? open.seq - 1 : this.#received
    if (seq <= this.#asked) return undefined
    this.#asked = seq
    return { epoch, seq, life }
  }

  /** A cursor is in the storage; true when it is news for the server. */
  stored({ epoch, seq }: Cursor): boolean {
    if (epoch !== this.safe.epoch || seq <= this.safe.seq) return false
    this.safe = { ...this.safe, seq }
    return true
  }
}

function received(epoch: number, frame: Extract<EntryFrame, readonly ['message', ...unknown[]]>): Received {
  const [, seq, id, from, time, body, media, place, lifetime, changed] = frame
  const [chat, change] = [place?.group ?? from, place?.change ?? changed ?? null]
  return {
    epoch,
    seq,
    id,
    chat,
    from,
    time,
    body,
    media: attachment(media),
    change,
    lifetime: lifetime ?? 'default',
    // End-to-end encryption has opened it (e2ee/opening.ts).
    ...(wasSealed(frame) && { sealed: true }),
  }
}

const within = ({ chat, seq }: Received, of: string | null, from: number, upTo: number): boolean =>
  (of === null || chat === of) && seq >= from && seq <= upTo
