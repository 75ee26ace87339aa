/** What reads rows and then writes them again comes one after the other for a user: two at once could undo each other. */
import type { UserId } from '../../protocol/ids.ts'

export class Turns {
  readonly #last = new Map<UserId, Promise<unknown>>()

  async take<T>(user: UserId, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(user)
    const mine = before ? before.then(work, work) : work()
    this.#last.set(user, mine)
    try {
      return await mine
    } finally {
      if (this.#last.get(user) === mine) this.#last.delete(user)
    }
  }
}
