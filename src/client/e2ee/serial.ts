/** Tasks of one name run one after another; those of others beside them. */
export class Serial {
  readonly #last = new Map<string, Promise<unknown>>()

  run<T>(name: string, task: () => Promise<T>): Promise<T> {
    const result = (this.#last.get(name) ?? Promise.resolve()).then(task, task)
    this.#last.set(name, result)
    const over = () => this.#last.get(name) === result && this.#last.delete(name)
    void result.then(over, over)
    return result
  }
}
