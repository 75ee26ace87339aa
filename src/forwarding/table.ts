/**
 * Items by a number that follows from them, in a table of places: 11 to 21 bytes each, where a Map takes 48. Several may have the same
 * number: whoever looks says which one is meant. What follows from an item must not change while it is in.
 */
export class Table<T extends object> {
  readonly #numberOf: (item: T) => number
  /** An item stands in the place of its number, or in one of those that follow without a free one between. */
  #places: (T | undefined)[] = freePlaces(64)
  #size = 0

  constructor(numberOf: (item: T) => number) {
    this.#numberOf = numberOf
  }

  get size(): number {
    return this.#size
  }

  add(item: T): void {
    if (this.#size * 4 >= this.#places.length * 3) this.#grow()
    this.#put(item)
    this.#size += 1
  }

  /** The first of that number for which it is so. */
  find(number: number, isIt: (item: T) => boolean): T | undefined {
    for (let place = this.#placeOf(number); ; place = this.#next(place)) {
      const item = this.#places[place]
      if (item === undefined || isIt(item)) return item
    }
  }

  /** All of that number, and maybe others. */
  near(number: number): T[] {
    const found: T[] = []
    this.find(number, (item) => {
      found.push(item)
      return false
    })
    return found
  }

  /** Those that stand behind it move up, so that nobody's way to their place has a gap. */
  delete(item: T): void {
    let free = this.#placeOf(this.#numberOf(item))
    while (this.#places[free] !== item) {
      if (this.#places[free] === undefined) return
      free = this.#next(free)
    }
    this.#size -= 1
    const mask = this.#places.length - 1
    for (let place = this.#next(free); ; place = this.#next(place)) {
      const other = this.#places[place]
      if (other === undefined) break
      const own = this.#placeOf(this.#numberOf(other))
      if (((place - own) & mask) < ((place - free) & mask)) continue
      this.#places[free] = other
      free = place
    }
    this.#places[free] = undefined
  }

  #put(item: T): void {
    let place = this.#placeOf(this.#numberOf(item))
    while (this.#places[place]) place = this.#next(place)
    this.#places[place] = item
  }

  #placeOf(number: number): number {
    return number & (this.#places.length - 1)
  }

  #next(place: number): number {
    return (place + 1) & (this.#places.length - 1)
  }

  #grow(): void {
    const items = this.#places
    this.#places = freePlaces(items.length * 2)
    for (const item of items) if (item) this.#put(item)
  }
}

const freePlaces = (count: number): undefined[] => new Array(count).fill(undefined)
