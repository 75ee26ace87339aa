/** What is asked of the server, and who waits for which answer. */
import { RefusedError } from './errors.ts'
import type { Host } from './host.ts'
import { checkText } from './options.ts'
import { requestKey } from './session/requests.ts'
import type { Answer, Request } from './session/types.ts'

type Waiter = { resolve(answer: Answer): void; reject(error: Error): void }

export class Asker {
  readonly #host: Host
  readonly #waiters = new Map<string, Waiter[]>()

  constructor(host: Host) {
    this.#host = host
  }

  /** Resolves when it is answered, with what a question is answered with. Waits while offline; rejects with a RefusedError. */
  async ask(frame: Request): Promise<Answer> {
    checkText('bad_id', ...frame)
    await this.#host.ready()
    const answer = this.wait(frame)
    this.#host.hear({ is: 'request', frame })
    return answer
  }

  /** Waits for the answer to what is asked already. */
  wait(frame: Request): Promise<Answer> {
    const key = requestKey(frame)
    return new Promise((resolve, reject) => {
      this.#waiters.set(key, [...(this.#waiters.get(key) ?? []), { resolve, reject }])
    })
  }

  /** `code`: why it was refused. */
  answered({
    key,
    code,
    answer,
  }: {
    readonly key: string
    readonly code: string | null
    readonly answer: Answer
  }): void {
    const waiters = this.#waiters.get(key) ?? []
    this.#waiters.delete(key)
    for (const { resolve, reject } of waiters) code === null ? resolve(answer) : reject(new RefusedError(code))
  }

  /** Nothing will be answered any more. */
  end(error: Error): void {
    for (const waiters of this.#waiters.values()) for (const { reject } of waiters) reject(error)
    this.#waiters.clear()
  }
}
