/**
 * Which ticks the sent messages have: marks of what each recipient has, and a ladder of the messages below them. What was told in
 * another life of the node counts once the node has said how much of it still holds: until then no tick of that recipient rises.
 */
import { Ladder, type Mark } from './ladder.ts'
import type { Out } from './types.ts'

/** What was told in one life of messages to somebody, up to `seq` of one log. */
export type Question = { readonly to: string; readonly epoch: number; readonly life: number; seq: number }
/** How much of it holds, in a log that is called `now`. */
export type Answer = Omit<Question, 'seq'> & { readonly upTo: number; readonly now: number }
/** Messages whose ticks rose, which have another place, and which were lost. */
export type Answered = { readonly risen: Out[]; readonly moved: Out[]; readonly lost: Out[] }

/** `doubts`: what is to be asked before a tick may rise, by epoch and life. */
type Recipient = {
  marks: readonly Mark[]
  ladder: Ladder
  readonly outs: Set<Out>
  readonly doubts: Map<string, Question>
}

export class Ticks {
  readonly #recipients = new Map<string, Recipient>()
  /** The life of the node; 0: it tells none. */
  life = 0
  /** What is to be said. */
  readonly unsaid = new Set<Question>()

  /** Takes a sent message in. Answers those whose state rises by what was heard before: it, or none. */
  add(out: Out): Out[] {
    const { to, at } = out.message
    const recipient = this.#recipient(to)
    const hesitates = this.#hesitates(to, recipient, at?.epoch ?? 0)
    recipient.outs.add(out)
    if (hesitates || !at) return []
    recipient.ladder.add(out, at.epoch, at.seq)
    return raised(recipient)
  }

  /** Merges a receipt, and answers the messages whose state rises, in order. */
  receipt(to: string, told: Omit<Mark, 'life'>): Out[] {
    const recipient = this.#recipient(to)
    recipient.marks = merged([...recipient.marks, { ...told, life: this.life }])
    return this.#hesitates(to, recipient, told.epoch) ? [] : raised(recipient)
  }

  marks(to: string): readonly Mark[] {
    return this.#recipients.get(to)?.marks ?? []
  }

  /** The marks of an earlier run. */
  restore(to: string, marks: readonly Mark[]): void {
    this.#recipient(to).marks = marks
  }

  remove(out: Out): void {
    const recipient = this.#recipients.get(out.message.to)
    recipient?.ladder.remove(out)
    recipient?.outs.delete(out)
  }

  /** No message for them is known any more. */
  forget(to: string): void {
    this.#recipients.delete(to)
  }

  /** The node may be another, or its data an earlier copy. */
  welcome(life: number): void {
    this.life = life
    this.unsaid.clear()
    for (const [to, recipient] of this.#recipients) {
      recipient.doubts.clear()
      const logs = new Set([...recipient.outs].map(({ message }) => message.at?.epoch))
      if (life > 0) this.#doubt(to, recipient, (told) => told.life !== life || logs.size > 1)
      if (recipient.doubts.size === 0) climb(recipient)
    }
  }

  /** What was asked and has no answer is to be asked again. */
  askAgain(): void {
    for (const { doubts } of this.#recipients.values())
      for (const question of doubts.values()) this.unsaid.add(question)
  }

  isDoubtful(to: string): boolean {
    return (this.#recipients.get(to)?.doubts.size ?? 0) > 0
  }

  /** The node will not say: then it holds. */
  unanswered(to: string): Answered[] {
    const doubts = [...(this.#recipients.get(to)?.doubts.values() ?? [])]
    return doubts.map((question) => this.answer({ ...question, upTo: question.seq, now: question.epoch }))
  }

  /** Of what was told in an earlier life, what holds is told anew in this one. */
  answer({ to, epoch, life, upTo, now }: Answer): Answered {
    const recipient = this.#recipients.get(to)
    const question = recipient?.doubts.get(keyOf({ epoch, life }))
    if (!recipient || !question) return { risen: [], moved: [], lost: [] }
    this.unsaid.delete(question)
    recipient.doubts.delete(keyOf(question))
    const meant = [...recipient.outs].filter((out) => out.message.at?.epoch === epoch && out.life === life)
    const [moved, lost] = [meant.filter((out) => seqOf(out) <= upTo), meant.filter((out) => seqOf(out) > upTo)]
    for (const out of moved) {
      out.life = this.life
      out.message = { ...out.message, at: { epoch: now, seq: seqOf(out) } }
    }
    for (const out of lost) recipient.outs.delete(out)
    recipient.marks = merged(
      recipient.marks.map((mark) => {
        if (mark.epoch !== epoch || mark.life !== life) return mark
        const [delivered, read] = [Math.min(mark.delivered, upTo), Math.min(mark.read, upTo)]
        return { epoch: now, life: this.life, delivered, read }
      }),
    )
    if (recipient.doubts.size > 0) return { risen: [], moved, lost }
    recipient.marks = recipient.marks.filter((mark) => mark.epoch === now)
    climb(recipient)
    return { risen: raised(recipient), moved, lost }
  }

  /** Whether no tick may rise. A log with another epoch than the messages know makes them doubtful. */
  #hesitates(to: string, recipient: Recipient, epoch: number): boolean {
    const { doubts, outs, ladder } = recipient
    const isOther = outs.size > 0 && ladder.epoch !== epoch
    if (isOther && this.life > 0 && doubts.size === 0) this.#doubt(to, recipient, (told) => told.epoch !== epoch)
    return doubts.size > 0
  }

  /** Asks for all that was told so. */
  #doubt(to: string, { outs, marks, doubts }: Recipient, isDoubtful: (told: Omit<Question, 'to'>) => boolean): void {
    const told = [
      ...[...outs].map((out) => ({ epoch: out.message.at?.epoch ?? 0, life: out.life, seq: seqOf(out) })),
      ...marks.map(({ epoch, life, delivered, read }) => ({ epoch, life, seq: Math.max(delivered, read) })),
    ]
    for (const one of told.filter(isDoubtful)) {
      const question = doubts.get(keyOf(one)) ?? { to, ...one }
      question.seq = Math.max(question.seq, one.seq)
      doubts.set(keyOf(one), question)
      this.unsaid.add(question)
    }
  }

  #recipient(to: string): Recipient {
    const known = this.#recipients.get(to)
    const recipient = known ?? { marks: [], ladder: new Ladder(), outs: new Set(), doubts: new Map() }
    this.#recipients.set(to, recipient)
    return recipient
  }
}

const seqOf = ({ message }: Out): number => message.at?.seq ?? 0
const keyOf = ({ epoch, life }: Pick<Question, 'epoch' | 'life'>): string => `${epoch} ${life}`

/** Puts all messages of the last log on a ladder. */
function climb(recipient: Recipient): void {
  recipient.ladder = new Ladder()
  const epoch = [...recipient.outs].at(-1)?.message.at?.epoch ?? 0
  const outs = [...recipient.outs].filter(({ message }) => message.at?.epoch === epoch)
  for (const out of outs.sort((a, b) => seqOf(a) - seqOf(b))) recipient.ladder.add(out, epoch, seqOf(out))
}

/** One mark for each log and life, which only rises. */
function merged(marks: readonly Mark[]): readonly Mark[] {
  const known = new Map<string, Mark>()
  for (const mark of marks) {
    const { delivered = 0, read = 0 } = known.get(keyOf(mark)) ?? {}
    known.delete(keyOf(mark))
    known.set(keyOf(mark), { ...mark, delivered: Math.max(mark.delivered, delivered), read: Math.max(mark.read, read) })
  }
  return [...known.values()]
}

const order = { queued: 0, sent: 1, delivered: 2, read: 3, refused: 4 } as const

/** Gives each message that a mark covers its new state; the ladder may name some that have it already. */
function raised({ ladder, marks }: Recipient): Out[] {
  return marks.flatMap((mark) =>
    ladder.raise(mark).filter((out) => {
      const state = seqOf(out) <= mark.read ? 'read' : 'delivered'
      if (order[state] <= order[out.message.state]) return false
      out.message = { ...out.message, state }
      return true
    }),
  )
}
