/** Gives messages to one loop, and counts them as handled when it asks for more. */
import { UsageError } from './errors.ts'
import type { Host } from './host.ts'
import { type Gone, isGone, type Received } from './session/inbox.ts'

export class Reader {
  readonly #host: Host
  readonly #gone: (gone: Gone) => Promise<unknown>
  #reading = false
  #wake = () => {}

  /** `gone` is told what the program is to drop, and resolves when it has. */
  constructor(host: Host, gone: (gone: Gone) => Promise<unknown>) {
    this.#host = host
    this.#gone = gone
  }

  /** Something has arrived, or the session has ended. */
  wake(): void {
    this.#wake()
  }

  async *batches(max: number): AsyncGenerator<readonly Received[]> {
    if (this.#reading) throw new UsageError('already_read', 'messages are for one loop at a time')
    this.#reading = true
    try {
      for (let held = await this.#next(max); held; held = await this.#next(max)) {
        if (isGone(held)) await this.#gone(held)
        else yield held
        this.#host.hear({ is: 'finished' })
        // Only when that is stored is the next one given: a crash brings back nothing that the loop has gone past.
        await this.#host.keeper.settled().catch(() => undefined)
      }
    } finally {
      this.#host.session.inbox.putBack()
      this.#reading = false
    }
  }

  /** The next messages for the loop; undefined when it is over. */
  async #next(max: number): Promise<Gone | readonly Received[] | undefined> {
    const { session } = this.#host
    while (session.status.is !== 'closed') {
      const held = session.inbox.hold(max)
      if (isGone(held) || held.length > 0) return held
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    // The storage is free when the loop is over: another client may open it at once.
    await this.#host.release()
    if (session.status.code === 'closed') return undefined
    throw this.#host.ended
  }
}
