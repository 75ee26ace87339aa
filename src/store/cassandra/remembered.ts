/** Names of some 200 bytes: each is of a thing that needs not be done again. When they are too many, all are forgotten. */
const most = 10_000

export class Remembered {
  readonly #names = new Set<string>()

  has(name: string): boolean {
    return this.#names.has(name)
  }

  add(name: string): void {
    if (this.#names.size >= most && !this.#names.has(name)) this.#names.clear()
    this.#names.add(name)
  }

  delete(name: string): void {
    this.#names.delete(name)
  }
}
