/** First in, first out, in constant time: to shift an array of thousands moves them all. */
export class Queue<T> {
  readonly #items: T[] = []
  #head = 0

  get size(): number {
    return this.#items.length - this.#head
  }

  get first(): T | undefined {
    return this.#items[this.#head]
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    const item = this.#items[this.#head]
    if (item === undefined) return undefined
    this.#items[this.#head] = undefined as T
    this.#head += 1
    if (this.#head > 32 && this.#head * 2 > this.#items.length) {
      // In place: an array that it was copied from would hold what waits until all garbage is collected (docs/architecture.md).
      this.#items.splice(0, this.#head)
      this.#head = 0
    }
    return item
  }
}
