/** What a program holds: one device of one user, which connects and comes back by itself. */
import { bodySize } from '../protocol/frames.ts'
import type { Body } from '../protocol/ids.ts'
import { type Clock, systemClock } from './clock.ts'
import { BluetickError, ClosedError, OutboxFullError, RefusedError, UsageError } from './errors.ts'
import { Host, type News } from './host.ts'
import { HttpLink } from './http-link.ts'
import { Listeners } from './listeners.ts'
import { download, type Medium, type TransferOptions, upload } from './media.ts'
import type { Received } from './session/inbox.ts'
import { keptMessage } from './session/keeping.ts'
import type { Out } from './session/outbox.ts'
import { isTooLarge } from './session/sending.ts'
import type { ClientEvents, ConnectionStatus, ConnectOptions, Incoming, Outgoing, Presence } from './types.ts'
import { uuidv7 } from './uuid.ts'
import { Waiters } from './waiters.ts'

export class Client implements AsyncDisposable {
  readonly #host: Host
  readonly #clock: Clock
  readonly #bounds: { readonly count: number; readonly bytes: number }
  readonly #listeners = new Listeners<ClientEvents>()
  readonly #watches = new Listeners<Record<string, Presence>>()
  readonly #waiters = new Waiters()
  /** Being written, and not in the outbox yet. */
  readonly #storing = { count: 0, bytes: 0 }
  readonly #ended = new AbortController()
  readonly #http: HttpLink
  #reading = false
  #wake = () => {}

  /** Use `connect`. A test brings its own clock. */
  constructor(options: ConnectOptions, clock: Clock = systemClock) {
    if (!/^wss?:\/\//.test(options.url)) throw new UsageError('bad_url', 'url must start with ws:// or wss://')
    this.#clock = clock
    this.#bounds = { count: options.outboxMessages ?? 100_000, bytes: options.outboxBytes ?? 64 * 1024 * 1024 }
    this.#http = new HttpLink(options, clock, this.#ended.signal)
    this.#host = new Host(options, clock, (news) => this.#tell(news))
  }

  /** Whether there is a connection; if not, when the next try is, or why there will be none. */
  get connection(): ConnectionStatus {
    return this.#host.session.status
  }

  /** Listens until the answer is called. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void {
    const end = this.#listeners.add(name, listener)
    return () => void end()
  }

  /**
   * Resolves when the message is safe at the server; waits while offline. Rejects with a RefusedError, or with a ClosedError
   * when the client ends first: then it waits in the storage for the next one.
   */
  async send(to: string, body: Body): Promise<Outgoing> {
    const { id } = await this.queue(to, body)
    return this.reached(id, 'sent')
  }

  /**
   * Resolves when the message is durable in this client's storage: from here on it will be sent. Rejects with a
   * RefusedError (`too_large`), an OutboxFullError, or a StorageError.
   */
  async queue(to: string, body: Body): Promise<Outgoing> {
    await this.#ready()
    const { limits, outbox } = this.#host.session
    if (isTooLarge(body, limits)) throw new RefusedError('too_large')
    const size = bodySize(body)
    const { count, bytes } = this.#storing
    if (outbox.waiting.count + count >= this.#bounds.count || outbox.waiting.bytes + bytes + size > this.#bounds.bytes)
      throw new OutboxFullError()
    const out = { message: this.#made(to, body), n: outbox.number(), again: false }
    await this.#store(out, size)
    this.#host.hear({ is: 'queued', out })
    return out.message
  }

  /**
   * Resolves when a message of this client has reached a state, or a higher one. Rejects with a RefusedError, or with a
   * ClosedError when the client ends first.
   */
  async reached(id: string, state: 'sent' | 'delivered' | 'read'): Promise<Outgoing> {
    await this.#ready()
    const { outbox } = this.#host.session
    const message = outbox.get(id)?.message ?? outbox.over(id)
    if (!message) throw new UsageError('unknown_message', `no message ${id} is kept here`)
    return this.#waiters.wait(message, state)
  }

  /** Own messages that are neither read nor refused, oldest first, also those of an earlier run. Of sent ones the last 10,000. */
  async outbox(): Promise<readonly Outgoing[]> {
    await this.#host.loaded
    return this.#host.session.outbox.list()
  }

  /**
   * Messages for this user: in order, each once, also after a restart. A message counts as handled when the loop asks for
   * the next; that comes when the storage has it, and the server is told. One that the loop left by a break, a throw or a
   * crash comes again, under the same id. The loop ends after `close()`, and throws when anything else ended the client.
   */
  async *messages(): AsyncGenerator<Incoming> {
    for await (const [message] of this.batches(1)) if (message) yield message
  }

  /** As `messages()`, but all that are there, at most `max` at a time: they count as handled together, and cost one write. */
  async *batches(max = 256): AsyncGenerator<readonly Incoming[]> {
    if (this.#reading) throw new UsageError('already_read', 'messages are for one loop at a time')
    this.#reading = true
    try {
      for (let held = await this.#next(max); held; held = await this.#next(max)) {
        yield held.map((message) => this.#incoming(message))
        this.#host.hear({ is: 'finished' })
        await this.#host.keeper.settled().catch(() => undefined)
      }
    } finally {
      this.#host.session.inbox.putBack()
      this.#reading = false
    }
  }

  /**
   * Uploads a picture, video or other file, and resolves when the node has it. Goes on where it broke off, waits while offline,
   * and is quick where the node has the same content already. Rejects with a MediaError, or with a ClosedError when the client ends.
   */
  upload(content: Blob | Uint8Array<ArrayBuffer>, options: TransferOptions = {}): Promise<Medium> {
    return upload(this.#http, content, options)
  }

  /** The content with this id, of the type that its first bytes tell. Goes on and rejects as `upload` does. */
  download(id: string, options: TransferOptions = {}): Promise<Blob> {
    return download(this.#http, id, options)
  }

  /**
   * Tells the sender that the chat is read up to this message, which may be one of an earlier run. Kept, and repeated until
   * the server has it. Of a log that was reset meanwhile it says nothing.
   */
  read({ from, epoch, seq }: Pick<Incoming, 'from' | 'epoch' | 'seq'>): void {
    this.#host.hear({ is: 'read', chat: from, epoch, seq })
  }

  /** Follows a user's presence until the answer is called. */
  watch(user: string, listener: (presence: Presence) => void): () => void {
    const first = !this.#watches.has(user)
    const end = this.#watches.add(user, listener)
    if (first) this.#host.hear({ is: 'watch', user })
    return () => {
      if (end()) this.#host.hear({ is: 'unwatch', user })
    }
  }

  /** true: the person is here. false: the app went to the background. */
  active(active: boolean): void {
    this.#host.hear({ is: 'active', active })
  }

  /** Tries to connect now instead of at the next delay. */
  retryNow(): void {
    this.#host.hear({ is: 'retry' })
  }

  /** Ends the session, and resolves when the storage is free. What is queued stays there. */
  async close(): Promise<void> {
    this.#host.hear({ is: 'end', code: 'closed' })
    await this.#host.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #ready(): Promise<void> {
    await this.#host.loaded
    const error = this.#whyEnded()
    if (error) throw error
  }

  /** Why nothing works any more. */
  #whyEnded(): BluetickError | undefined {
    const { connection } = this
    if (connection.is !== 'closed') return undefined
    const { code, cause } = connection
    return cause instanceof BluetickError ? cause : new ClosedError(code, cause)
  }

  #made(to: string, given: Body): Outgoing {
    const body = typeof given === 'string' ? given : new Uint8Array(given)
    return { id: uuidv7(), to, body, time: this.#clock.now(), state: 'queued', at: null, code: null }
  }

  async #store(out: Out, size: number): Promise<void> {
    this.#storing.count += 1
    this.#storing.bytes += size
    try {
      await this.#host.keeper.keep(...keptMessage(out))
    } catch (error) {
      throw this.#whyEnded() ?? error
    } finally {
      this.#storing.count -= 1
      this.#storing.bytes -= size
    }
  }

  /** The next messages for the loop; undefined when it is over. */
  async #next(max: number): Promise<readonly Received[] | undefined> {
    while (this.connection.is !== 'closed') {
      const held = this.#host.session.inbox.hold(max)
      if (held.length > 0) return held
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    // The storage is free when the loop is over: another client may open it at once.
    await this.#host.release()
    if (this.connection.code === 'closed') return undefined
    throw this.#whyEnded()
  }

  #incoming(message: Received): Incoming {
    return { ...message, read: () => this.read(message) }
  }

  #tell(news: News): void {
    if (news.do === 'arrived') return this.#wake()
    if (news.do === 'presence') return this.#watches.tell(news.user, news.presence)
    if (news.name === 'message') this.#waiters.heard(news.event)
    this.#listeners.tell(news.name, news.event as never)
    if (this.connection.is !== 'closed') return
    this.#wake()
    this.#ended.abort(this.#whyEnded())
    this.#waiters.end(this.#whyEnded() as BluetickError)
  }
}
