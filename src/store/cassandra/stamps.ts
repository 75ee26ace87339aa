/**
 * Timestamps of writes. Of two writes of a cell the one with the higher timestamp stays, whichever came last; the driver's are those of
 * the wall clock, and a clock that is behind that of a former life, or was set back, would hide what it acknowledges.
 */
import type { types } from 'cassandra-driver'
import { driver } from './driver.ts'

/** Bits of the count of a term's writes: 2,000 a second for a year. */
const countBits = 36
/** Above all that releases before this one wrote with the wall clock, in microseconds: it is of the year 2112. */
const floorBits = 52

export class Stamps {
  #term: number
  #count = 0
  #last = 0

  constructor(term: number) {
    this.#term = term
  }

  get term(): number {
    return this.#term
  }

  /** A later spell of ownership begins. */
  rise(term: number): void {
    this.#term = Math.max(this.#term, term)
  }

  /** Above all of this term before, and all of former terms: for cells that are overwritten. */
  ordered(): types.Long {
    const { Long } = driver().types
    this.#count += 1
    const term = Long.fromNumber(this.#term).shiftLeft(countBits)
    return Long.ONE.shiftLeft(floorBits).add(term).add(Long.fromNumber(this.#count))
  }

  /**
   * The wall clock in microseconds, as tables with time windows need it: above all that this process wrote, and above `written`, the
   * timestamp of what is overwritten.
   */
  timed(written: types.Long | null = null): types.Long {
    this.#last = Math.max(Date.now() * 1000, this.#last + 1)
    return driver().types.Long.fromNumber(Math.max(this.#last, (written?.toNumber() ?? 0) + 1))
  }
}
