/** What is held for a shard that moves, in its order. */
import type { Link } from '../cluster/link/link.ts'
import type { Millis } from '../protocol/ids.ts'
import type { ToActor } from './frames.ts'

/** `from`: null: this node. `flush`: the other node sends no more of the shard to this one, and waits for what comes back. */
export type Entry =
  | { readonly from: Link | null; readonly frame: ToActor }
  | { readonly from: Link; readonly flush: number }

/** Of one shard: a shard moves in less than a second, and what is more is refused. */
const most = 4_096

export class Pause {
  /** To where it was sent before: what comes back from there goes first. null: this node had the shard. */
  readonly old: Link | null
  readonly flush: number
  readonly since: Millis
  readonly back: Entry[] = []
  readonly held: Entry[]

  constructor(since: Millis, old: Link | null, flush: number, held: Entry[] = []) {
    this.since = since
    this.old = old
    this.flush = flush
    this.held = held
  }

  /** False: there is too much already. */
  hold(entry: Entry): boolean {
    if (this.held.length >= most) return false
    this.held.push(entry)
    return true
  }

  all(): readonly Entry[] {
    return [...this.back, ...this.held]
  }

  /** The same, of a shard that this node has now and is about to give. */
  waiting(): Pause {
    return new Pause(this.since, null, 0, [...this.back, ...this.held])
  }
}
