import type { SessionRef } from '../../actors/user/types.ts'

type Referred = { ref: SessionRef }

/**
 * What is open, by references that only rise, so that one that is kept for too long finds nothing. Each stands in the place
 * that the low bits of its reference name: 14 bytes each with 19,000 of them, where a Map took 48.
 */
export class Refs<T extends Referred> {
  #places: (T | undefined)[] = emptyPlaces(64)
  #last: SessionRef = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Its reference is set here: the next one whose place is free. */
  add(item: T): void {
    if (this.#size * 4 >= this.#places.length * 3) this.#grow()
    do this.#last += 1
    while (this.#places[this.#placeOf(this.#last)])
    item.ref = this.#last
    this.#places[this.#placeOf(item.ref)] = item
    this.#size += 1
  }

  get(ref: SessionRef): T | undefined {
    const item = this.#places[this.#placeOf(ref)]
    return item?.ref === ref ? item : undefined
  }

  delete(ref: SessionRef): boolean {
    if (!this.get(ref)) return false
    this.#places[this.#placeOf(ref)] = undefined
    this.#size -= 1
    return true
  }

  all(): T[] {
    return this.#places.filter((item) => item !== undefined)
  }

  #placeOf(ref: SessionRef): number {
    return ref & (this.#places.length - 1)
  }

  /** No two meet: what differed in the low bits still does. */
  #grow(): void {
    const items = this.all()
    this.#places = emptyPlaces(this.#places.length * 2)
    for (const item of items) this.#places[this.#placeOf(item.ref)] = item
  }
}

const emptyPlaces = (count: number): undefined[] => new Array(count).fill(undefined)
