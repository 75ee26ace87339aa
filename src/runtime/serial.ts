/**
 * One task of a name at a time, in the order of the calls, and none within its call; tasks of different names run side by side. One that
 * fails keeps no other from its turn.
 */
export class Serial<Name> {
  readonly #last = new Map<Name, Promise<unknown>>()

  async run<T>(name: Name, task: () => Promise<T>): Promise<T> {
    const result = (this.#last.get(name) ?? Promise.resolve()).then(task, task)
    this.#last.set(name, result)
    try {
      return await result
    } finally {
      if (this.#last.get(name) === result) this.#last.delete(name)
    }
  }
}
