/** One task of a name at a time, in the order of the calls; tasks of different names run side by side. */
export class Lines {
  readonly #lines = new Map<string, Promise<unknown>>()

  run<T>(name: string, task: () => Promise<T>): Promise<T> {
    const result = (this.#lines.get(name) ?? Promise.resolve()).then(task)
    const settled = result.then(
      () => undefined,
      () => undefined,
    )
    this.#lines.set(name, settled)
    void settled.then(() => {
      if (this.#lines.get(name) === settled) this.#lines.delete(name)
    })
    return result
  }
}
