/** The SDK: one session that comes back by itself, over an inbox and an outbox that survive restarts. */
import { PlatformWebSocket } from '#websocket'
import { closeNamed, mayComeBack, mayRetry } from '../protocol/codes.ts'
import { bodySize, type ClientFrame, type EntryFrame, type ServerFrame } from '../protocol/frames.ts'
import type { Body, Cursor, MessageId, UserId } from '../protocol/ids.ts'
import { jsonCodec } from '../protocol/json.ts'
import { type ClientLimits, defaultLimits } from '../protocol/limits.ts'
import { Inbox, type Received } from './inbox.ts'
import { type Out, Outbox } from './outbox.ts'
import { memoryStorage } from './storage.ts'
import {
  BluetickError,
  type ClientEvents,
  type ConnectionStatus,
  type ConnectOptions,
  type Incoming,
  type Outgoing,
  type Presence,
} from './types.ts'
import { uuidv7 } from './uuid.ts'

/** Milliseconds before the n-th try to connect again; each is shortened by up to half, so that clients do not come back in step. */
const delays = [300, 500, 1_000, 2_000, 5_000, 10_000, 15_000]
/** A connection that held this long starts again at the first delay. */
const stableMs = 10_000

const rank = { queued: 0, sent: 1, delivered: 2, read: 3, refused: 4 } as const

type Waiter = {
  readonly id: string
  readonly state: 'sent' | 'delivered' | 'read'
  resolve(message: Outgoing): void
  reject(error: unknown): void
}

export class Client implements AsyncDisposable {
  readonly #options: ConnectOptions
  readonly #codec
  readonly #storage
  readonly #outbox = new Outbox()
  readonly #inbox = new Inbox({ epoch: 0, seq: 0 })
  readonly #reads = new Map<string, number>()
  readonly #watches = new Map<string, Set<(presence: Presence) => void>>()
  readonly #listeners = new Map<keyof ClientEvents, Set<(event: never) => void>>()
  readonly #loaded: Promise<void>
  #waiters: Waiter[] = []
  #changes = new Map<string, unknown>()
  #writing: Promise<void> | null = null
  #socket: WebSocket | null = null
  #online = false
  #frames: ClientFrame[] = []
  #limits: ClientLimits = { ...defaultLimits, heartbeatMs: 30_000 }
  #heardAt = 0
  #budget = { at: 0, left: 0 }
  #timer: ReturnType<typeof setTimeout> | undefined
  #pumpTimer: ReturnType<typeof setTimeout> | undefined
  #pulse: ReturnType<typeof setTimeout> | undefined
  #consumed = false
  #attempt = 0
  #owner: string | undefined
  connection: ConnectionStatus = { is: 'connecting' }

  constructor(options: ConnectOptions) {
    this.#options = options
    this.#codec = options.codec ?? jsonCodec
    this.#storage = options.storage ?? memoryStorage()
    this.#loaded = this.#load()
    this.#loaded.then(
      () => this.#connect(),
      (error) => this.#end('storage', error),
    )
  }

  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners)
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }

  /** Resolves when the message is safe at the server. Waits while offline; rejects when it is refused for good. */
  async send(to: string, body: Body): Promise<Outgoing> {
    const { id } = await this.queue(to, body)
    return this.reached(id, 'sent')
  }

  /** Resolves when the message is durable in this client's storage: from here on it will be sent. */
  async queue(to: string, body: Body): Promise<Outgoing> {
    await this.#loaded
    if (this.connection.is === 'closed') throw new BluetickError(this.connection.code, false)
    if (bodySize(body) > this.#limits.bodyBytes) throw new BluetickError('too_large', false)
    const out: Out = {
      id: uuidv7(),
      to,
      body,
      time: Date.now(),
      state: 'queued',
      at: null,
      code: null,
      tried: false,
      flying: false,
    }
    await this.#write([[`out:${out.id}`, view(out)]])
    this.#outbox.messages.set(out.id, out)
    this.#emit('message', view(out))
    this.#pump()
    return view(out)
  }

  /** Resolves when a message of this client has reached a state. Rejects when it is refused, or the client closes. */
  reached(id: string, state: 'sent' | 'delivered' | 'read'): Promise<Outgoing> {
    const out = this.#outbox.messages.get(id)
    if (out && out.state !== 'refused' && rank[out.state] >= rank[state]) return Promise.resolve(view(out))
    return new Promise((resolve, reject) => this.#waiters.push({ id, state, resolve, reject }))
  }

  /** Own messages that are not read yet, oldest first, also those of an earlier run. */
  async outbox(): Promise<readonly Outgoing[]> {
    await this.#loaded
    return [...this.#outbox.messages.values()].map(view)
  }

  /**
   * Messages for this user: in order, each once, also after a restart. A message counts as handled, and is acknowledged,
   * when the loop asks for the next; one that the loop left by a break, a throw or a crash comes again, under the same id.
   */
  async *messages(): AsyncGenerator<Incoming> {
    if (this.#consumed) throw new BluetickError('already_consumed', false, 'messages() may be read by one loop')
    this.#consumed = true
    let open: Received | undefined
    try {
      for (;;) {
        const next = await this.#inbox.next(() => this.connection.is === 'closed')
        if (!next) return
        open = next
        yield { ...next, read: () => this.#read(next.from, next.seq) }
        open = undefined
        this.#inbox.finish(next.seq)
        this.#advance()
      }
    } finally {
      this.#consumed = false
      if (open) this.#inbox.putBack(open)
    }
  }

  /** Follows a user's presence until the answer is called. */
  watch(user: string, listener: (presence: Presence) => void): () => void {
    const listeners = this.#watches.get(user) ?? new Set()
    this.#watches.set(user, listeners)
    listeners.add(listener)
    if (this.#online) this.#say(['watch', user as UserId])
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0) return
      this.#watches.delete(user)
      if (this.#online) this.#say(['unwatch', user as UserId])
    }
  }

  /** true: the person is here. false: the app went to the background. */
  active(active: boolean): void {
    if (this.#online) this.#say(['active', active])
  }

  /** Tries to connect now instead of at the next delay. */
  retryNow(): void {
    if (this.connection.is === 'waiting') this.#connect()
  }

  /** Ends the session; what is queued stays in the storage. */
  async close(): Promise<void> {
    this.#end('closed')
    await this.#loaded.catch(() => undefined)
    await this.#writing
    await this.#storage.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #load(): Promise<void> {
    const loaded = await this.#storage.load()
    for (const [key, value] of [...loaded].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (key === 'cursor') this.#restore(value as Cursor & { user: string })
      if (key.startsWith('read:')) this.#reads.set(key.slice(5), value as number)
      if (key.startsWith('out:'))
        this.#outbox.messages.set(key.slice(4), { ...(value as Out), tried: true, flying: false })
      if (key.startsWith('mark:')) {
        const { epoch, delivered, read } = value as { epoch: number; delivered: number; read: number }
        this.#outbox.receipt(key.slice(5), epoch, delivered, read)
      }
    }
  }

  #restore({ user, epoch, seq }: Cursor & { user: string }): void {
    this.#owner = user
    this.#inbox.welcome(epoch, seq, true)
  }

  async #connect(): Promise<void> {
    clearTimeout(this.#timer)
    if (this.connection.is === 'closed') return
    this.#status({ is: 'connecting' })
    let token: string
    try {
      token = typeof this.#options.token === 'string' ? this.#options.token : await this.#options.token()
    } catch {
      return this.#wait('no token')
    }
    if (this.#isClosed()) return
    const socket = new PlatformWebSocket(this.#options.url, [this.#codec.subprotocol])
    const started = Date.now()
    this.#socket = socket
    this.#heardAt = started
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => {
      const { epoch, seq } = this.#inbox.cursor
      this.#say(['hello', token, this.#options.device ?? null, epoch, seq, this.#options.background ?? false])
      this.#heartbeat(socket)
    }
    socket.onmessage = ({ data }) => this.#heard(socket, data)
    socket.onerror = () => undefined // a close follows, and says more
    socket.onclose = ({ code }) => this.#lost(socket, code, Date.now() - started)
  }

  #isClosed(): boolean {
    return this.connection.is === 'closed'
  }

  #heard(socket: WebSocket, data: string | ArrayBuffer): void {
    if (socket !== this.#socket) return
    this.#heardAt = Date.now()
    const frames = this.#codec.decode(typeof data === 'string' ? data : new Uint8Array(data)) as ServerFrame[]
    for (const frame of frames) this.#handle(frame)
    this.#advance()
    this.#pump()
  }

  #lost(socket: WebSocket, code: number, lasted: number): void {
    if (socket !== this.#socket) return
    this.#socket = null
    this.#online = false
    this.#frames = []
    this.#outbox.grounded()
    const reason = closeNamed(code) ?? `connection lost (${code})`
    if (!mayComeBack(code)) return this.#end(reason)
    if (lasted > stableMs) this.#attempt = 0
    this.#wait(reason)
  }

  #wait(reason: string): void {
    if (this.connection.is === 'closed') return
    const delay = (delays[Math.min(this.#attempt, delays.length - 1)] ?? 0) * (0.5 + Math.random() / 2)
    this.#attempt += 1
    this.#status({ is: 'waiting', retryAt: Date.now() + delay, attempt: this.#attempt, reason })
    this.#timer = setTimeout(() => this.#connect(), delay)
  }

  /** Pings a silent server, and gives up on one that stays silent. */
  #heartbeat(socket: WebSocket): void {
    clearTimeout(this.#pulse)
    if (socket !== this.#socket) return
    const silent = Date.now() - this.#heardAt
    if (silent > this.#limits.heartbeatMs) {
      socket.close()
      return this.#lost(socket, 1006, 0)
    }
    if (silent > this.#limits.heartbeatMs / 3) this.#say(['ping', 0])
    this.#pulse = setTimeout(() => this.#heartbeat(socket), this.#limits.heartbeatMs / 4)
  }

  #handle(frame: ServerFrame): void {
    switch (frame[0]) {
      case 'welcome':
        return this.#welcome(frame)
      case 'message':
      case 'copy':
      case 'receipt':
        return this.#entry(frame)
      case 'sent':
        return this.#sent(frame)
      case 'error':
        return this.#error(frame)
      case 'done':
        if (frame[1] === 'read' && (this.#reads.get(frame[2]) ?? 0) <= frame[3] && this.#reads.delete(frame[2]))
          void this.#write([[`read:${frame[2]}`, undefined]])
        return
      case 'presence':
        for (const listener of this.#watches.get(frame[1]) ?? []) guarded(() => listener(presence(frame[2], frame[3])))
        return
      case 'ping':
        return this.#say(['pong', frame[1]])
    }
  }

  #welcome([, user, device, epoch, seq, , resumed, , limits]: Extract<
    ServerFrame,
    readonly ['welcome', ...unknown[]]
  >): void {
    if (this.#owner !== undefined && this.#owner !== user) return this.#end('storage_of_another_user')
    this.#owner = user
    this.#limits = limits
    if (this.#inbox.welcome(epoch, seq, resumed)) this.#emit('gap', { epoch, seq })
    void this.#write([['cursor', { user, ...this.#inbox.cursor }]])
    this.#online = true
    this.#outbox.grounded()
    // After a restart of its actor the server may know less than it was told.
    if (this.#inbox.cursor.seq > seq) this.#say(['ack', this.#inbox.cursor.seq])
    for (const [chat, read] of this.#reads) this.#say(['read', chat as UserId, read])
    for (const watched of this.#watches.keys()) this.#say(['watch', watched as UserId])
    this.#status({ is: 'online', user, device })
  }

  #entry(frame: EntryFrame): void {
    if (frame[0] === 'receipt' && frame[1] === 0) return this.#receipt(frame)
    const taken = this.#inbox.take(frame)
    if (taken === 'hole') return this.#socket?.close(4000, 'an entry is missing')
    if (taken === 'repeat') return
    if (frame[0] === 'receipt') this.#receipt(frame)
    if (frame[0] === 'copy') this.#copy(frame)
  }

  #receipt([, , peer, epoch, delivered, read]: Extract<EntryFrame, readonly ['receipt', ...unknown[]]>): void {
    for (const out of this.#outbox.receipt(peer, epoch, delivered, read)) this.#rose(out)
    this.#change(`mark:${peer}`, this.#outbox.mark(peer))
  }

  /** What another own device sent; what this one sent it knows. */
  #copy([, , id, to, time, body, epoch, position]: Extract<EntryFrame, readonly ['copy', ...unknown[]]>): void {
    if (this.#outbox.messages.has(id)) return
    const out: Out = {
      id,
      to,
      body,
      time,
      state: 'sent',
      at: { epoch, seq: position },
      code: null,
      tried: true,
      flying: false,
    }
    this.#outbox.messages.set(id, out)
    this.#outbox.raise(out)
    this.#rose(out)
  }

  #sent([, id, epoch, seq, time]: Extract<ServerFrame, readonly ['sent', ...unknown[]]>): void {
    const out = this.#outbox.messages.get(id)
    if (!out) return
    this.#outbox.land(out)
    if (out.state !== 'queued') return
    Object.assign(out, { state: 'sent', time, at: { epoch, seq } })
    this.#outbox.raise(out)
    this.#rose(out)
  }

  #error([, code, kind, ref, retryAfter]: Extract<ServerFrame, readonly ['error', ...unknown[]]>): void {
    const out = kind === 'send' && ref !== null ? this.#outbox.messages.get(ref) : undefined
    if (out && mayRetry(code)) {
      this.#outbox.land(out)
      return this.#outbox.hold(out.to, Date.now() + Math.max(retryAfter, 100))
    }
    if (out) {
      this.#outbox.land(out)
      Object.assign(out, { state: 'refused', code })
      return this.#rose(out)
    }
    if (kind === 'read' && ref !== null && !mayRetry(code)) this.#reads.delete(ref)
  }

  /** Keeps a message's new state, and tells whoever waits for it. */
  #rose(out: Out): void {
    const over = out.state === 'read' || out.state === 'refused'
    if (over) this.#outbox.messages.delete(out.id)
    this.#change(`out:${out.id}`, over ? undefined : view(out))
    const surplus = this.#outbox.surplus()
    if (surplus && this.#outbox.messages.delete(surplus.id)) this.#change(`out:${surplus.id}`, undefined)
    const message = view(out)
    this.#emit('message', message)
    this.#waiters = this.#waiters.filter((waiter) => {
      if (waiter.id !== out.id) return true
      if (out.state === 'refused') waiter.reject(new BluetickError(out.code ?? 'refused', false))
      else if (rank[out.state] >= rank[waiter.state]) waiter.resolve(message)
      else return true
      return false
    })
  }

  #read(chat: string, seq: number): void {
    if ((this.#reads.get(chat) ?? 0) >= seq) return
    this.#reads.set(chat, seq)
    void this.#write([[`read:${chat}`, seq]])
    if (this.#online) this.#say(['read', chat as UserId, seq])
  }

  /** Acknowledges what the application has finished with, once the cursor is durable here. */
  #advance(): void {
    if (!this.#inbox.advance()) return
    const { epoch, seq } = this.#inbox.cursor
    const socket = this.#socket
    const written = this.#write([['cursor', { user: this.#owner, epoch, seq }]])
    written.then(
      () => {
        if (this.#online && socket === this.#socket && this.#inbox.cursor.epoch === epoch) this.#say(['ack', seq])
      },
      () => undefined,
    )
  }

  /** Sends what may be sent now: within the window and the rate, in order, and nothing to a recipient that said "not now". */
  #pump(): void {
    if (!this.#online) return
    const now = Date.now()
    const rate = this.#limits.framesPerSecond * 0.6
    this.#budget = { at: now, left: Math.min(rate, this.#budget.left + ((now - this.#budget.at) * rate) / 1_000) }
    let rest = false
    for (const out of this.#outbox.ready(now)) {
      rest = this.#outbox.flying >= this.#limits.sendsInFlight || this.#budget.left < 1
      if (rest) break
      this.#budget.left -= 1
      this.#outbox.flying += 1
      this.#say(['send', out.id as MessageId, out.to as UserId, out.body, out.tried])
      Object.assign(out, { flying: true, tried: true })
    }
    clearTimeout(this.#pumpTimer)
    if (this.#outbox.waits || rest) this.#pumpTimer = setTimeout(() => this.#pump(), 100)
  }

  #say(frame: ClientFrame): void {
    if (this.#frames.length === 0) queueMicrotask(() => this.#flush())
    this.#frames.push(frame)
  }

  /** One WebSocket message for the frames of a turn, as long as they fit. */
  #flush(): void {
    const frames = this.#frames
    this.#frames = []
    if (this.#socket?.readyState !== 1) return
    let batch: ClientFrame[] = []
    let size = 0
    for (const frame of frames) {
      const bytes = 512 + (frame[0] === 'send' ? bodySize(frame[3]) * 2 : 0)
      if (batch.length > 0 && size + bytes > this.#limits.frameBytes) {
        this.#socket.send(this.#codec.encode(batch) as string)
        batch = []
        size = 0
      }
      batch.push(frame)
      size += bytes
    }
    if (batch.length > 0) this.#socket.send(this.#codec.encode(batch) as string)
  }

  #change(key: string, value: unknown): void {
    void this.#write([[key, value]])
  }

  /** Writes of one turn go together. A storage that fails ends the session: nothing may be acknowledged any more. */
  #write(changes: readonly (readonly [string, unknown])[]): Promise<void> {
    for (const [key, value] of changes) this.#changes.set(key, value)
    this.#writing ??= Promise.resolve().then(() => {
      const batch = this.#changes
      this.#changes = new Map()
      this.#writing = null
      return this.#storage.write(batch)
    })
    const written = this.#writing
    written.catch((error) => this.#end('storage', error))
    return written
  }

  #end(code: string, cause?: unknown): void {
    if (this.connection.is === 'closed') return
    clearTimeout(this.#timer)
    clearTimeout(this.#pumpTimer)
    clearTimeout(this.#pulse)
    this.#flush()
    this.#online = false
    this.#socket?.close(1000)
    this.#socket = null
    this.#status({ is: 'closed', code })
    this.#inbox.wake()
    const error = Object.assign(new BluetickError(code, false), { cause })
    for (const waiter of this.#waiters) waiter.reject(error)
    this.#waiters = []
  }

  #status(status: ConnectionStatus): void {
    this.connection = status
    this.#emit('connection', status)
  }

  #emit<Name extends keyof ClientEvents>(name: Name, event: ClientEvents[Name]): void {
    for (const listener of this.#listeners.get(name) ?? [])
      guarded(() => (listener as (event: ClientEvents[Name]) => void)(event))
  }
}

/** A listener that throws is the application's bug, and must not stop the session: it is reported as uncaught. */
function guarded(call: () => void): void {
  try {
    call()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

const view = ({ id, to, body, time, state, at, code }: Out): Outgoing => ({ id, to, body, time, state, at, code })

const presence = (online: boolean, lastSeen: number | null): Presence =>
  online ? { online } : lastSeen === null ? { online } : { online, lastSeen: new Date(lastSeen) }
