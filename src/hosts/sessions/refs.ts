import type { SessionRef } from '../../../actors/session/ref.ts'

type Referred = { ref: SessionRef }

/**
 * What is open, by references that only rise, so that one that is kept for too long finds nothing; a number beside those
 * that were given one, and a mark at some. Each stands in the place that the low bits of its reference name: 14 bytes each with 19,000 of them,
 * where a Map took 48.
 */
export class Refs<T extends Referred> {
  #places: (T | undefined)[] = emptyPlaces(64)
  /** 0: none. There are none before the first is given: then they take 4 bytes a place. */
  #notes: Uint32Array | null = null
  /** A byte a place: a Set of those that are marked took 20 to 40 bytes each. */
  #marks = new Uint8Array(64)
  readonly #numbers: { last: SessionRef }
  #size = 0

  /** `numbers`: from which references come; several may have the same. */
  constructor(numbers: { last: SessionRef } = { last: 0 }) {
    this.#numbers = numbers
  }

  get size(): number {
    return this.#size
  }

  /** Its reference is set here: the next one whose place is free. */
  add(item: T): void {
    if (this.#size * 4 >= this.#places.length * 3) this.#grow()
    do this.#numbers.last += 1
    while (this.#places[this.#placeOf(this.#numbers.last)])
    item.ref = this.#numbers.last
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
    if (this.#notes) this.#notes[this.#placeOf(ref)] = 0
    this.#marks[this.#placeOf(ref)] = 0
    this.#size -= 1
    return true
  }

  all(): T[] {
    return this.#places.filter((item) => item !== undefined)
  }

  /** Gives what is open a number, from 1 to 2^32 - 1. */
  note(ref: SessionRef, note: number): void {
    if (!this.get(ref)) return
    this.#notes ??= new Uint32Array(this.#places.length)
    this.#notes[this.#placeOf(ref)] = note
  }

  /** The number of what is open; 0: none. */
  noteOf(ref: SessionRef): number {
    return (this.get(ref) && this.#notes?.[this.#placeOf(ref)]) ?? 0
  }

  /** Those whose number is below `end`. A look at 20,000 takes 15 µs. */
  noted(end: number): T[] {
    const found: T[] = []
    const notes = this.#notes ?? []
    for (let place = 0; place < notes.length; place++) {
      const note = notes[place] as number
      if (note !== 0 && note < end) found.push(this.#places[place] as T)
    }
    return found
  }

  mark(ref: SessionRef, is: boolean): void {
    if (this.get(ref)) this.#marks[this.#placeOf(ref)] = Number(is)
  }

  /** Those that are marked. */
  marked(): T[] {
    const found: T[] = []
    for (let place = 0; place < this.#marks.length; place++)
      if (this.#marks[place] === 1) found.push(this.#places[place] as T)
    return found
  }

  #placeOf(ref: SessionRef): number {
    return ref & (this.#places.length - 1)
  }

  /** No two meet: what differed in the low bits still does. */
  #grow(): void {
    const items = this.all()
    const notes = this.#notes && items.map(({ ref }) => this.noteOf(ref))
    const marked = this.marked()
    this.#places = emptyPlaces(this.#places.length * 2)
    for (const item of items) this.#places[this.#placeOf(item.ref)] = item
    this.#marks = new Uint8Array(this.#places.length)
    for (const { ref } of marked) this.mark(ref, true)
    if (!notes) return
    this.#notes = new Uint32Array(this.#places.length)
    for (const [n, { ref }] of items.entries()) this.note(ref, notes[n] as number)
  }
}

const emptyPlaces = (count: number): undefined[] => new Array(count).fill(undefined)
