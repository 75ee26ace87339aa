/** What a node has done since it started, counted where it happens: numbers that cost next to nothing until somebody reads them. */
import { Durations } from '../runtime/index.ts'
import type { NodeEvent, OnEvent } from './events.ts'
import type { OnFault } from './faults.ts'
import type { NodeEvents } from './hooks.ts'

export class Counts {
  /** Messages, to a group once. */
  accepted = 0
  /** Copies of messages in groups, one for each member. */
  copies = 0
  receipts = 0
  /** Messages, in a group each member's copy. */
  delivered = 0
  read = 0
  /** Entries that were read from the store for devices that were behind. */
  replayed = 0
  entered = 0
  receivedBytes = 0
  sentBytes = 0
  /** Frames by error code, connections by close code. */
  readonly refused = new Tally()
  readonly turnedAway = new Tally()
  readonly left = new Tally()
  readonly faults = new Tally()
  readonly appends = new Durations()

  heard(event: NodeEvent): void {
    if (event.event === 'entered') this.entered += 1
    else if (event.event === 'left') this.left.add(String(event.code))
    else if (event.event === 'refused') this.turnedAway.add(event.code)
  }
}

/** How often each of a few names came. */
class Tally {
  readonly #counts = new Map<string, number>()

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
  }

  entries(): readonly (readonly [name: string, count: number])[] {
    return [...this.#counts]
  }
}

/** What is told goes on, and is counted. */
export const countedEvents = (counts: Counts, { accepted, receipted }: NodeEvents): NodeEvents => ({
  accepted(to, what) {
    // A member's copy of what was said in a group is no message of its own.
    if (what.entry.place) counts.copies += 1
    else counts.accepted += 1
    accepted(to, what)
  },
  receipted(from, receipt) {
    counts.receipts += 1
    receipted(from, receipt)
  },
})
export const countedFaults =
  (counts: Counts, onFault: OnFault): OnFault =>
  (fault) => {
    counts.faults.add(fault.where)
    onFault(fault)
  }
export const countedEvent =
  (counts: Counts, onEvent: OnEvent | undefined): OnEvent =>
  (event) => {
    counts.heard(event)
    onEvent?.(event)
  }
