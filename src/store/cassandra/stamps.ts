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
  /** Of all terms of this process. */
  readonly #latest: { count: number; time: number }

  constructor(term: number, latest = { count: 0, time: 0 }) {
    this.#term = term
    this.#latest = latest
  }

  /** Those of another spell of ownership, of this process too. */
  under(term: number): Stamps {
    return new Stamps(term, this.#latest)
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
    this.#latest.count += 1
    const term = Long.fromNumber(this.#term).shiftLeft(countBits)
    return Long.ONE.shiftLeft(floorBits).add(term).add(Long.fromNumber(this.#latest.count))
  }

  /** As `ordered`, and above what is overwritten, whoever wrote that: for cells that several nodes write. */
  above(written: types.Long | null): types.Long {
    const own = this.ordered()
    return written?.greaterThanOrEqual(own) ? written.add(1) : own
  }

  /**
   * The wall clock in microseconds, as tables with time windows need it: above all that this process wrote, and above `written`, the
   * timestamp of what is overwritten.
   */
  timed(written: types.Long | null = null): types.Long {
    this.#latest.time = Math.max(Date.now() * 1000, this.#latest.time + 1)
    return driver().types.Long.fromNumber(Math.max(this.#latest.time, (written?.toNumber() ?? 0) + 1))
  }
}
