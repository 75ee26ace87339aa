/** What stays of the actors that hibernate: each in one of two maps, since a set of the spare beside one map took 30 bytes an actor. */
export class Rested {
  readonly #kept = new Map<string, unknown>()
  /** Those that may go, the one that rests for longest first. */
  readonly #spare = new Map<string, unknown>()

  get size(): number {
    return this.#kept.size + this.#spare.size
  }

  has(id: string): boolean {
    return this.#kept.has(id) || this.#spare.has(id)
  }

  get(id: string): unknown {
    return this.#kept.get(id) ?? this.#spare.get(id)
  }

  add(id: string, record: unknown, spare: boolean): void {
    if (spare) this.#spare.set(id, record)
    else this.#kept.set(id, record)
  }

  *keys(): Generator<string> {
    yield* this.#kept.keys()
    yield* this.#spare.keys()
  }

  delete(id: string): void {
    if (!this.#kept.delete(id)) this.#spare.delete(id)
  }

  /** Lets those go that rest for longest, until `most` of the spare are left. */
  trim(most: number): void {
    for (const id of this.#spare.keys()) {
      if (this.#spare.size <= most) return
      this.#spare.delete(id)
    }
  }
}
