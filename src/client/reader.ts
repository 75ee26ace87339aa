/** Gives messages to one loop, and counts them as handled when it asks for more. */
import { UsageError } from './errors.ts'
import type { Host } from './host.ts'
import { type Gone, isGone, type Received } from './session/inbox.ts'

/** `over`: nobody wants more. */
type Loop = { over: boolean }

export class Reader {
  readonly #host: Host
  readonly #gone: (gone: Gone) => Promise<unknown>
  #loop: Loop | undefined
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

  /** A loop is over when it is returned from, also while it waits: whoever comes next may read at once. */
  batches<T>(max: number, give: (received: readonly Received[]) => T): AsyncGenerator<T, undefined> {
    const loop: Loop = { over: false }
    const batches = this.#batches(loop, max, give)
    const finish = batches.return.bind(batches)
    batches.return = (value) => {
      loop.over = true
      this.#leave(loop)
      this.#wake()
      return finish(value)
    }
    return batches
  }

  async *#batches<T>(
    loop: Loop,
    max: number,
    give: (received: readonly Received[]) => T,
  ): AsyncGenerator<T, undefined> {
    if (this.#loop) throw new UsageError('already_read', 'messages are for one loop at a time')
    this.#loop = loop
    try {
      for (let held = await this.#next(loop, max); held; held = await this.#next(loop, max)) {
        if (isGone(held)) await this.#gone(held)
        else yield give(held)
        if (loop.over) break
        this.#host.hear({ is: 'finished' })
        // Only when that is stored is the next one given: a crash brings back nothing that the loop has gone past.
        await this.#host.keeper.written().catch(() => undefined)
      }
      return undefined
    } finally {
      this.#leave(loop)
    }
  }

  /** What the loop had, and did not handle, is for the next. */
  #leave(loop: Loop): void {
    if (this.#loop !== loop) return
    this.#host.session.inbox.putBack()
    this.#loop = undefined
  }

  /** The next messages for the loop; undefined when it is over. */
  async #next(loop: Loop, max: number): Promise<Gone | readonly Received[] | undefined> {
    const { session } = this.#host
    while (session.status.is !== 'closed') {
      if (loop.over) return undefined
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
