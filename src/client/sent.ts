/** What becomes of this user's own messages: until they are sent, delivered and read, or taken back. */
import { UsageError } from './errors.ts'
import type { Host } from './host.ts'
import type { Outgoing } from './types.ts'
import { Waiters } from './waiters.ts'

export class Sent {
  readonly #host: Host
  readonly #waiters = new Waiters()

  constructor(host: Host) {
    this.#host = host
  }

  /** Those that wait for a message hear what it has become. */
  heard(message: Outgoing): void {
    this.#waiters.heard(message)
  }

  /** The client has ended: nothing will be reached any more. */
  end(error: Error): void {
    this.#waiters.end(error)
  }

  async reached(id: string, state: 'sent' | 'delivered' | 'read'): Promise<Outgoing> {
    await this.#host.ready()
    const { outbox } = this.#host.session
    const message = outbox.get(id)?.message ?? outbox.over(id)
    if (!message) throw new UsageError('unknown_message', `no message ${id} is kept here`)
    return this.#waiters.wait(message, state)
  }

  /** Answers whether it was taken back. */
  async cancel(id: string): Promise<boolean> {
    await this.#host.ready()
    this.#host.hear({ is: 'cancel', id })
    await this.#host.keeper.written()
    return this.#host.session.outbox.over(id)?.code === 'cancelled'
  }

  async list(): Promise<readonly Outgoing[]> {
    await this.#host.loaded
    return this.#host.session.outbox.list()
  }
}
