/** The sending half: every message of this user that is not read or refused yet. */
import { bodySize } from '../../protocol/frames.ts'
import type { Millis } from '../../protocol/ids.ts'
import type { Outgoing } from '../types.ts'
import type { Mark } from './ladder.ts'
import { isWaiting, Lines } from './lines.ts'
import { type Answer, type Answered, type Question, Ticks } from './ticks.ts'
import type { Out } from './types.ts'

/** Sent messages that wait for their read tick, and the bytes of their bodies; of more, the oldest are forgotten. */
const remembered = { count: 10_000, bytes: 32 * 1024 * 1024 }
/** Messages that left: an own copy of one may still come, and somebody may ask what became of it. */
const gone = 1_000

export class Outbox {
  readonly #outs = new Map<string, Out>()
  readonly #perRecipient = new Map<string, number>()
  readonly #ticks = new Ticks()
  /** In the order in which they were sent. */
  readonly #sent = new Set<Out>()
  /** null: it was forgotten, and nobody is told of it any more. */
  readonly #over = new Map<string, Outgoing | null>()
  /** Those that vanish, and when the first may; never later. */
  readonly #vanishing = new Set<Out>()
  expiresAt = Number.POSITIVE_INFINITY
  /** The highest `n` of one that is `unsaid`. */
  unsaidUpTo = 0
  readonly lines = new Lines()
  readonly waiting = { count: 0, bytes: 0 }
  readonly #kept = { count: 0, bytes: 0 }
  #n = 0

  get(id: string): Out | undefined {
    return this.#outs.get(id)
  }

  /** A message that was read or refused lately; null of one that was forgotten. */
  over(id: string): Outgoing | null | undefined {
    return this.#over.get(id)
  }

  /** All messages, in the order of the calls. */
  list(): Outgoing[] {
    return [...this.#outs.values()].map(({ message }) => message)
  }

  /** Numbers up to this were given in an earlier run. */
  numbered(upTo: number): void {
    this.#n = Math.max(this.#n, upTo)
  }

  /** Numbers a new message. */
  number(): number {
    this.#n += 1
    return this.#n
  }

  /** Takes in a message that is to be sent, or one that is sent; answers whether that one rose, as `sent` does. */
  add(out: Out): Out[] {
    const { id, to } = out.message
    this.numbered(out.n)
    this.#outs.set(id, out)
    this.#perRecipient.set(to, (this.#perRecipient.get(to) ?? 0) + 1)
    if (!isWaiting(out)) return this.#keep(out)
    count(this.waiting, out, 1)
    this.lines.add(out)
    if (out.unsaid) this.unsaidUpTo = Math.max(this.unsaidUpTo, out.n)
    return []
  }

  /** The server has it. Answers the messages whose ticks rose by receipts that came before this: it, or none. */
  sent(out: Out, is: Pick<Outgoing, 'at' | 'time' | 'lifetime' | 'expires' | 'sealed'>): Out[] {
    this.lines.land(out)
    count(this.waiting, out, -1)
    // One that is sent again may have been delivered before.
    const { state } = out.message
    out.message = { ...out.message, ...is, state: state === 'delivered' ? state : 'sent' }
    out.life = this.#ticks.life
    return this.#keep(out)
  }

  refused(out: Out, code: string): void {
    this.lines.land(out)
    count(this.waiting, out, -1)
    out.message = { ...out.message, state: 'refused', code }
    this.#drop(out)
  }

  /** Merges what a recipient has, and answers the messages whose state rose, oldest first. Those that are read leave. */
  receipt(to: string, mark: Omit<Mark, 'life'>): Out[] {
    if (!this.#perRecipient.has(to)) return []
    return this.#risen(this.#ticks.receipt(to, mark))
  }

  /** What is known of a recipient; nothing where no message of theirs is here. */
  marks(to: string): readonly Mark[] {
    return this.#ticks.marks(to)
  }

  /** The marks of an earlier run. */
  restore(to: string, marks: readonly Mark[]): void {
    if (this.#perRecipient.has(to)) this.#ticks.restore(to, marks)
  }

  /** The node is in this life. */
  welcome(life: number): void {
    this.#ticks.welcome(life)
    this.#pause()
  }

  get life(): number {
    return this.#ticks.life
  }

  /** What is to be asked of the node, before ticks may rise. */
  get questions(): Set<Question> {
    return this.#ticks.unsaid
  }

  /** What has no answer is to be asked again. */
  askAgain(): void {
    this.#ticks.askAgain()
    this.#pause()
  }

  #pause(): void {
    this.lines.pause(new Set([...this.questions].map(({ to }) => to)))
  }

  /** The node will not say: then it holds. */
  unanswered(to: string): Answered[] {
    const answered = this.#ticks.unanswered(to).map((answered) => this.#answered(answered))
    this.lines.resume(to)
    return answered
  }

  /** Messages that were lost are to be sent again, also those that a device of the recipient has got: the others have not. */
  answer(answer: Answer): Answered {
    const answered = this.#answered(this.#ticks.answer(answer))
    if (!this.#ticks.isDoubtful(answer.to)) this.lines.resume(answer.to)
    return answered
  }

  #answered({ risen, ...others }: Answered): Answered {
    for (const out of others.lost) this.#sendAgain(out)
    return { ...others, risen: this.#risen(risen) }
  }

  #sendAgain(out: Out): void {
    count(this.#kept, out, -1)
    this.#sent.delete(out)
    this.#vanishing.delete(out)
    out.message = { ...out.message, at: null }
    count(this.waiting, out, 1)
    this.lines.again(out)
  }

  /** Forgets the oldest sent message when there are too many, and answers it. */
  surplus(): Out | undefined {
    if (this.#kept.count <= remembered.count && this.#kept.bytes <= remembered.bytes) return undefined
    const [oldest] = this.#sent
    if (oldest) this.forget(oldest)
    return oldest
  }

  /** The sent messages to a chat. */
  sentTo(chat: string): Out[] {
    return [...this.#sent].filter(({ message }) => message.to === chat)
  }

  /** The sent messages that have vanished by now. */
  due(now: Millis): Out[] {
    if (now < this.expiresAt) return []
    const due: Out[] = []
    this.expiresAt = Number.POSITIVE_INFINITY
    for (const out of this.#vanishing) {
      const { expires } = out.message
      if (expires !== null && expires > now) this.expiresAt = Math.min(this.expiresAt, expires)
      else due.push(out)
    }
    return due
  }

  /** A sent message leaves before it is read: nothing of it is known here any more. */
  forget(out: Out): void {
    this.#ticks.remove(out)
    this.#leave(out)
    this.#over.set(out.message.id, null)
  }

  #keep(out: Out): Out[] {
    count(this.#kept, out, 1)
    this.#sent.add(out)
    const { expires } = out.message
    if (expires !== null) this.#vanishing.add(out)
    this.expiresAt = Math.min(this.expiresAt, expires ?? Number.POSITIVE_INFINITY)
    return this.#risen(this.#ticks.add(out))
  }

  #risen(outs: Out[]): Out[] {
    for (const out of outs) if (out.message.state === 'read') this.#leave(out)
    return outs
  }

  #leave(out: Out): void {
    count(this.#kept, out, -1)
    this.#sent.delete(out)
    this.#vanishing.delete(out)
    this.#drop(out)
  }

  #drop({ message }: Out): void {
    const { id, to } = message
    this.#outs.delete(id)
    this.#over.set(id, message)
    const [oldest] = this.#over.keys()
    if (this.#over.size > gone && oldest) this.#over.delete(oldest)
    const left = (this.#perRecipient.get(to) ?? 0) - 1
    if (left > 0) return void this.#perRecipient.set(to, left)
    this.#perRecipient.delete(to)
    this.#ticks.forget(to)
  }
}

function count(total: { count: number; bytes: number }, { message }: Out, sign: 1 | -1): void {
  total.count += sign
  total.bytes += sign * bodySize(message.body)
}
