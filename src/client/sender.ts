/** Takes messages in: a bounded number of them, each answered when the storage has it. */
import { bodySize } from '../protocol/frames.ts'
import { type Body, previewBytes } from '../protocol/ids.ts'
import type { Clock } from './clock.ts'
import { OutboxFullError, RefusedError, UsageError } from './errors.ts'
import type { Host } from './host.ts'
import { checkOptions, checkText } from './options.ts'
import { attachment, mediaRef } from './session/attachment.ts'
import { isTooLarge } from './session/sending.ts'
import { keptMessage } from './session/storage.ts'
import type { Out } from './session/types.ts'
import type { ConnectOptions, Outgoing, QueueOptions } from './types.ts'
import { uuidv7 } from './uuid.ts'

export class Sender {
  readonly #host: Host
  readonly #clock: Clock
  readonly #bounds: { readonly count: number; readonly bytes: number }
  /** Being written, and not in the outbox yet. */
  readonly #storing = { count: 0, bytes: 0 }

  constructor(host: Host, clock: Clock, { outboxMessages = 100_000, outboxBytes = 64 * 1024 * 1024 }: ConnectOptions) {
    this.#host = host
    this.#clock = clock
    this.#bounds = { count: outboxMessages, bytes: outboxBytes }
  }

  async queue(to: string, given: Body, options: QueueOptions): Promise<Outgoing> {
    checkOptions('queue', options)
    checkText('bad_id', to)
    checkText('bad_body', given)
    if (typeof given !== 'string' && !(given instanceof Uint8Array))
      throw new UsageError('bad_body', 'body must be text or a Uint8Array')
    await this.#host.ready()
    const { limits, outbox } = this.#host.session
    const { id = uuidv7() } = options
    const known = outbox.get(id)?.message ?? outbox.over(id)
    if (known) return known
    const media = options.media ? attachment(mediaRef(options.media)) : null
    if ((media?.preview?.byteLength ?? 0) > previewBytes) throw new RefusedError('too_large')
    if (isTooLarge({ body: given, media }, limits)) throw new RefusedError('too_large')
    const size = bodySize(given)
    if (!this.#hasRoom(size)) throw new OutboxFullError()
    const body = typeof given === 'string' ? given : new Uint8Array(given)
    const time = this.#clock.now()
    const { change = null } = options
    const message = {
      id,
      to,
      body,
      media,
      change,
      time,
      state: 'queued',
      at: null,
      copy: null,
      lifetime: 'default',
      expires: null,
      code: null,
    } as const
    const out = {
      message,
      n: outbox.number(),
      again: options.id !== undefined,
      life: 0,
      unsaid: this.#host.session.status.is !== 'online',
    }
    await this.#store(out, size)
    this.#host.hear({ is: 'queued', out })
    return message
  }

  #hasRoom(size: number): boolean {
    const { waiting } = this.#host.session.outbox
    const { count, bytes } = this.#storing
    return waiting.count + count < this.#bounds.count && waiting.bytes + bytes + size <= this.#bounds.bytes
  }

  async #store(out: Out, size: number): Promise<void> {
    this.#storing.count += 1
    this.#storing.bytes += size
    try {
      await this.#host.keeper.keep(...keptMessage(out))
    } catch (error) {
      throw this.#host.ended ?? error
    } finally {
      this.#storing.count -= 1
      this.#storing.bytes -= size
    }
  }
}
