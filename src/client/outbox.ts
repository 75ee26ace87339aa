/** The sending half: messages in order, what is under way, and which ticks each has. */
import type { Outgoing } from './types.ts'

export type Out = { -readonly [Key in keyof Outgoing]: Outgoing[Key] } & {
  /** It may be at the server already. */ tried: boolean
  flying: boolean
}
type Mark = { readonly epoch: number; readonly delivered: number; readonly read: number }

const order = { queued: 0, sent: 1, delivered: 2, read: 3, refused: 4 } as const

/** Sent messages that wait for their read tick; older ones are forgotten. */
const remembered = 10_000

export class Outbox {
  readonly messages = new Map<string, Out>()
  readonly #marks = new Map<string, Mark>()
  /** Recipients that said "not now", and until when. */
  readonly #held = new Map<string, number>()
  flying: number

  constructor() {
    this.flying = 0
  }

  /** What may be sent now, in order: nothing to a recipient that is held. */
  *ready(now: number): Generator<Out> {
    const skip = new Set<string>()
    for (const [to, until] of this.#held) if (until > now || this.#flyingTo(to)) skip.add(to)
    for (const to of [...this.#held.keys()]) if (!skip.has(to)) this.#held.delete(to)
    for (const out of this.messages.values()) if (out.state === 'queued' && !out.flying && !skip.has(out.to)) yield out
  }

  /** Whether something waits that only time lets go. */
  get waits(): boolean {
    return this.#held.size > 0
  }

  #flyingTo(to: string): boolean {
    for (const out of this.messages.values()) if (out.flying && out.to === to) return true
    return false
  }

  hold(to: string, until: number): void {
    this.#held.set(to, Math.max(until, this.#held.get(to) ?? 0))
  }

  land(out: Out): void {
    if (out.flying) this.flying -= 1
    out.flying = false
  }

  grounded(): void {
    for (const out of this.messages.values()) this.land(out)
    this.#held.clear()
  }

  /** Merges a receipt and answers the messages whose state rose. */
  receipt(peer: string, epoch: number, delivered: number, read: number): Out[] {
    const known = this.#marks.get(peer)
    const same = known?.epoch === epoch
    const mark = same
      ? { epoch, delivered: Math.max(known.delivered, delivered), read: Math.max(known.read, read) }
      : { epoch, delivered, read }
    this.#marks.set(peer, mark)
    return [...this.messages.values()].filter((out) => out.to === peer && this.raise(out))
  }

  mark(peer: string): Mark | undefined {
    return this.#marks.get(peer)
  }

  /** Raises a sent message to what its peer's mark says; true when it rose. */
  raise(out: Out): boolean {
    const mark = this.#marks.get(out.to)
    if (!out.at || mark?.epoch !== out.at.epoch) return false
    const state = mark.read >= out.at.seq ? 'read' : mark.delivered >= out.at.seq ? 'delivered' : 'sent'
    if (order[state] <= order[out.state]) return false
    out.state = state
    return true
  }

  /** The oldest sent message when there are too many. */
  surplus(): Out | undefined {
    if (this.messages.size <= remembered) return undefined
    for (const out of this.messages.values()) if (out.state !== 'queued') return out
    return undefined
  }
}
