/**
 * What the store answers passes here before an actor or a client may act on it: only what was durable while the lease held counts. Asked
 * after the store has answered, and not before: between the two the process may have stood still for an hour.
 */
import type { Millis } from '../protocol/ids.ts'
import type { Times } from '../runtime/clock.ts'
import { elapsed } from './lease.ts'
import type { MemberState } from './types.ts'

/** `waits`: the lease has run out, and may be renewed; `never`: the shard is another's, or is being given. */
export type Passage = 'passes' | 'waits' | 'never'

export function passage(state: MemberState, shard: number, term: number, at: Times, leaseMs: Millis): Passage {
  const { spells, shut, lease, phase } = state
  if (phase === 'fenced' || spells.get(shard)?.term !== term || (shut.get(shard) ?? -1) >= term) return 'never'
  return lease.confirmed && elapsed(lease.confirmed, at) < leaseMs ? 'passes' : 'waits'
}

type Held = { readonly shard: number; readonly term: number; readonly pass: () => void; readonly over: () => void }

/** Holds results until it is known whether they count. What never does is forgotten, with the actor that waits for it; a task is told. */
export class Gate {
  readonly #passage: (shard: number, term: number) => Passage
  #held: Held[] = []
  #opening = false
  #hurried = false

  constructor(passage: (shard: number, term: number) => Passage) {
    this.#passage = passage
  }

  /** Results that wait: no more than were asked of the store at a time. */
  get size(): number {
    return this.#held.length
  }

  /** Calls `pass` now or later, those of a shard in their order; or `over`, where it never will. */
  enter(shard: number, term: number, pass: () => void, over: () => void = () => {}): void {
    this.#held.push({ shard, term, pass, over })
    this.open()
  }

  /** The node ends, and nothing is held any more: a task that waits would hold that up for as long as the store is away. */
  hurry(): void {
    this.#hurried = true
    this.open()
  }

  /** The lease was renewed, or a shard is another's. */
  open(): void {
    // What passes may bring more, which goes behind what waits.
    if (this.#opening) return
    this.#opening = true
    const waiting: Held[] = []
    for (const one of this.#held) {
      const passage = this.#passage(one.shard, one.term)
      if (passage === 'waits' && !this.#hurried) waiting.push(one)
      else if (passage === 'passes') one.pass()
      else one.over()
    }
    this.#held = waiting
    this.#opening = false
  }
}
