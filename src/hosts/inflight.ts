/** Counts what is under way per id, so that a restarted actor waits for the writes of its former life to land. */
export class InFlight {
  readonly #counts = new Map<string, { count: number; waiters: (() => void)[] }>()

  add(id: string): void {
    const flight = this.#counts.get(id)
    if (flight) flight.count += 1
    else this.#counts.set(id, { count: 1, waiters: [] })
  }

  done(id: string): void {
    const flight = this.#counts.get(id)
    if (!flight || --flight.count > 0) return
    this.#counts.delete(id)
    for (const wake of flight.waiters) wake()
  }

  /** Resolves when nothing is under way for `id`; undefined when nothing is. */
  landed(id: string): Promise<void> | undefined {
    const flight = this.#counts.get(id)
    return flight && new Promise((resolve) => flight.waiters.push(resolve))
  }
}
