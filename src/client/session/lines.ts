/**
 * What is to be sent, and what is under way. Each recipient has a line of its own, and the lines take turns, so that many
 * messages for one do not hold up those for the others. Nothing here looks at all messages: ten thousand cost no more than one.
 */

import { Queue } from '../../protocol/queue.ts'
import type { Out } from './types.ts'

type Line = {
  readonly to: string
  readonly waiting: Queue<Out>
  /** Came back without an answer, the last to go first: they go before those that wait. */
  readonly back: Out[]
  readonly flying: Set<Out>
  /** Nothing goes before this time; 0: it takes its turns. */
  heldUntil: number
  inTurn: boolean
}

/** Whether the server is to take a message: it never did, or what it took was lost. */
export const isWaiting = ({ message }: Out): boolean => message.at === null && message.state !== 'refused'

export class Lines {
  readonly #lines = new Map<string, Line>()
  readonly #turns = new Queue<Line>()
  readonly #held = new Set<Line>()
  /** Recipients to whom nothing goes until it is known what of theirs was lost: that goes first. */
  readonly #paused = new Set<string>()
  /** Messages that are under way. */
  flying = 0

  add(out: Out): void {
    const line = this.#line(out.message.to)
    line.waiting.push(out)
    this.#takeTurn(line)
  }

  /** What was taken was lost: it goes before those that wait. */
  again(out: Out): void {
    const line = this.#line(out.message.to)
    line.back.push(out)
    line.back.sort((a, b) => b.n - a.n)
    this.#takeTurn(line)
  }

  /** To these nothing goes, and to all others it does. */
  pause(recipients: ReadonlySet<string>): void {
    for (const to of this.#paused) if (!recipients.has(to)) this.resume(to)
    for (const to of recipients) this.#paused.add(to)
  }

  resume(to: string): void {
    this.#paused.delete(to)
    const line = this.#lines.get(to)
    if (line) this.#takeTurn(line)
  }

  #line(to: string): Line {
    const empty = { to, waiting: new Queue<Out>(), back: [], flying: new Set<Out>(), heldUntil: 0, inTurn: false }
    const line = this.#lines.get(to) ?? empty
    this.#lines.set(to, line)
    return line
  }

  /** Lets go the lines that were held until now. */
  release(now: number): void {
    for (const line of this.#held) if (line.flying.size === 0 && line.heldUntil <= now) this.#release(line)
  }

  /** The next message to go, which counts as under way from here on. */
  next(): Out | undefined {
    for (let line = this.#turns.shift(); line; line = this.#turns.shift()) {
      line.inTurn = false
      const out = line.heldUntil > 0 || this.#paused.has(line.to) ? undefined : taken(line)
      if (!out) continue
      line.flying.add(out)
      this.flying += 1
      this.#takeTurn(line)
      return out
    }
    return undefined
  }

  /** When a line that is held may go on; undefined when none waits for the time alone. */
  get heldUntil(): number | undefined {
    let first: number | undefined
    for (const line of this.#held) if (line.flying.size === 0) first = Math.min(first ?? line.heldUntil, line.heldUntil)
    return first
  }

  /** Whether a message to this recipient is not answered yet. */
  has(to: string): boolean {
    const line = this.#lines.get(to)
    return line !== undefined && left(line) > 0
  }

  /** Refused for now: it, and what follows it to the same recipient, waits until then, and for what is still under way. */
  hold(out: Out, until: number): void {
    const line = this.#lines.get(out.message.to)
    if (!line?.flying.delete(out)) return
    this.flying -= 1
    line.back.push(out)
    line.heldUntil = Math.max(until, line.heldUntil)
    this.#held.add(line)
  }

  /** Answered for good. */
  land(out: Out): void {
    const line = this.#lines.get(out.message.to)
    if (!line) return
    if (line.flying.delete(out)) this.flying -= 1
    if (left(line) === 0) this.#lines.delete(out.message.to)
  }

  /** The link is gone: what was under way waits again, in its old place. */
  grounded(): void {
    for (const line of this.#lines.values()) {
      if (line.flying.size === 0 && line.heldUntil === 0) continue
      line.back.push(...line.flying)
      line.flying.clear()
      this.#release(line)
    }
    this.flying = 0
  }

  #takeTurn(line: Line): void {
    if (line.inTurn || line.back.length + line.waiting.size === 0) return
    line.inTurn = true
    this.#turns.push(line)
  }

  #release(line: Line): void {
    line.back.sort((a, b) => b.n - a.n)
    line.heldUntil = 0
    this.#held.delete(line)
    this.#takeTurn(line)
  }
}

const left = ({ flying, back, waiting }: Line): number => flying.size + back.length + waiting.size

/** The first of a line that is not answered yet: an answer may come late, after the message was put back. */
function taken(line: Line): Out | undefined {
  let out = line.back.pop() ?? line.waiting.shift()
  while (out && !isWaiting(out)) out = line.back.pop() ?? line.waiting.shift()
  return out
}
