/** What a user decides for all their devices, asked of the server: who waits for which answer. */
import type { Setting, Settings } from '../protocol/settings.ts'
import { RefusedError } from './errors.ts'
import type { Host } from './host.ts'
import { type Request, requestKey } from './session/requests.ts'
import { uuidv7 } from './uuid.ts'

type Waiter = { resolve(): void; reject(error: Error): void }

export class Account {
  readonly #host: Host
  readonly #waiters = new Map<string, Waiter[]>()

  constructor(host: Host) {
    this.#host = host
  }

  async settings(): Promise<Settings> {
    await this.#host.ready()
    const { session } = this.#host
    if (!session.settings) {
      this.#host.hear({ is: 'follow' })
      await this.#answer(['ask', 'settings'])
    }
    return session.settings as Settings
  }

  async set(changes: readonly Setting[]): Promise<void> {
    await this.#host.ready()
    await Promise.all(changes.map((change) => this.#request(['set', uuidv7(), ...change])))
  }

  /** A request is answered; `code`: why it was refused. */
  answered(key: string, code: string | null): void {
    const waiters = this.#waiters.get(key) ?? []
    this.#waiters.delete(key)
    for (const { resolve, reject } of waiters) code === null ? resolve() : reject(new RefusedError(code))
  }

  /** Nothing will be answered any more. */
  end(error: Error): void {
    for (const waiters of this.#waiters.values()) for (const { reject } of waiters) reject(error)
    this.#waiters.clear()
  }

  #request(frame: Request): Promise<void> {
    const answer = this.#answer(frame)
    this.#host.hear({ is: 'request', frame })
    return answer
  }

  #answer([kind, ref]: Request): Promise<void> {
    return new Promise((resolve, reject) => {
      const key = requestKey(kind, ref)
      this.#waiters.set(key, [...(this.#waiters.get(key) ?? []), { resolve, reject }])
    })
  }
}
