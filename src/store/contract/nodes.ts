/** What nodes keep of themselves: who may write, which lives there were, and what the time is. */
import type { ChatId, Millis, Seq } from '../../protocol/ids.ts'

/** Numbers for spells of ownership. */
export interface TermStore {
  /** The number of this spell of ownership: higher than any given before. Durable when it resolves; a rejected call may have used one up. */
  takeTerm(): Promise<number>
}

/** The node of this term began to append to the log at `from`. */
export type Life = { readonly term: number; readonly from: Seq }

/** The starts of nodes on this store. A copy that is put back knows none of those that came after it. */
export interface Lives {
  /** Notes that the node of this term, the highest so far, calls itself so: a random number, 1 to 2^31 - 1. Durable when it resolves. */
  begin(term: number, name: number): Promise<void>
  /** The term of the node that called itself so; undefined: there was none, or it was thousands of starts ago. */
  termOf(name: number): Promise<number | undefined>
  /** Gives a log another epoch. Durable when it resolves; to repeat it changes nothing. */
  rename(owner: ChatId, epoch: number): Promise<void>
}

/** A store that knows which nodes it has served. */
export interface LifeStore {
  /** Missing: the store keeps no lives, and cannot tell when it was put back from an earlier moment. */
  readonly lives?: Lives
}

/** What the time is by what is known apart from the clock, and for how many milliseconds the clock has said otherwise. */
export type Reckoning = { readonly at: Millis; readonly doubtMs: Millis }

/** What a clock is checked against after a restart. */
export interface TimeStore {
  /** What a node kept last of the time; undefined: nothing yet. */
  reckoning(): Promise<Reckoning | undefined>
  /** Replaces it. Durable when it resolves; what is lost of it counts as a step of the clock at the next start. */
  saveReckoning(reckoning: Reckoning): Promise<void>
  /** Tells, from here on, how far the clock of this machine is off: for a store that reads it, to tell what is left of the time of a row. */
  goBy?(clock: { readonly offMs: Millis }): void
}
