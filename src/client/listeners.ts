/** Who listens to what. A listener that throws is the application's bug, and must not stop the session: it is reported as uncaught. */
export class Listeners<Events> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>()

  /** Answers what ends it; that one answers whether nobody is left. */
  add<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => boolean {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners)
    // The same function may be added twice, and removed once.
    const own = (event: Events[Name]) => listener(event)
    listeners.add(own)
    return () => {
      if (!listeners.delete(own) || listeners.size > 0) return false
      return this.#listeners.delete(name)
    }
  }

  has(name: keyof Events): boolean {
    return this.#listeners.has(name)
  }

  /** Answers what the listeners do. */
  tell<Name extends keyof Events>(name: Name, event: Events[Name]): unknown[] {
    const answers: unknown[] = []
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        answers.push((listener as (event: Events[Name]) => unknown)(event))
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
    return answers
  }
}
