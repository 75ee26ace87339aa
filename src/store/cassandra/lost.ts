import { StoreError } from '../error.ts'

/** What is lost is told once each; but not of more than this. */
const mostTold = 1_000

/** Entries that no replica which answered has, and that have not expired: whoever runs the node is told, and may repair it. */
export class Lost {
  readonly #told: (error: StoreError) => void
  readonly #known = new Set<string>()

  constructor(told: (error: StoreError) => void) {
    this.#told = told
  }

  /** What was read, as it is. */
  async heed<T>(reading: Promise<T>): Promise<T> {
    try {
      return await reading
    } catch (error) {
      if (error instanceof StoreError && error.code === 'corrupt') this.#tell(error)
      throw error
    }
  }

  #tell(error: StoreError): void {
    if (this.#known.has(error.message) || this.#known.size >= mostTold) return
    this.#known.add(error.message)
    this.#told(error)
  }
}
