/** Which ticks the sent messages have: marks of what each recipient has, and a ladder of the messages below them. */
import { Ladder, type Mark } from './ladder.ts'
import type { Out } from './outbox.ts'

type Recipient = { mark: Mark | undefined; readonly ladder: Ladder }

export class Ticks {
  readonly #recipients = new Map<string, Recipient>()

  /** Takes a sent message in. Answers those whose state rises by what was heard before: it, or none. */
  add(out: Out): Out[] {
    const { to, at } = out.message
    const { ladder, mark } = this.#recipient(to)
    if (at) ladder.add(out, at.epoch, at.seq)
    return mark ? risen(ladder, mark) : []
  }

  /** Merges a receipt, and answers the messages whose state rises, in order. */
  receipt(to: string, { epoch, delivered, read }: Mark): Out[] {
    const recipient = this.#recipient(to)
    const known = recipient.mark
    const [was, wasRead] = known?.epoch === epoch ? [known.delivered, known.read] : [0, 0]
    recipient.mark = { epoch, delivered: Math.max(was, delivered), read: Math.max(wasRead, read) }
    return risen(recipient.ladder, recipient.mark)
  }

  mark(to: string): Mark | undefined {
    return this.#recipients.get(to)?.mark
  }

  remove(out: Out): void {
    this.#recipients.get(out.message.to)?.ladder.remove(out)
  }

  /** No message for them is known any more. */
  forget(to: string): void {
    this.#recipients.delete(to)
  }

  #recipient(to: string): Recipient {
    const recipient = this.#recipients.get(to) ?? { mark: undefined, ladder: new Ladder() }
    this.#recipients.set(to, recipient)
    return recipient
  }
}

const order = { queued: 0, sent: 1, delivered: 2, read: 3, refused: 4 } as const

/** Gives each message its new state; the ladder may name some that have it already. */
function risen(ladder: Ladder, mark: Mark): Out[] {
  return ladder.raise(mark).filter((out) => {
    const state = (out.message.at?.seq ?? 0) <= mark.read ? 'read' : 'delivered'
    if (order[state] <= order[out.message.state]) return false
    out.message = { ...out.message, state }
    return true
  })
}
