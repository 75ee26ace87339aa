/** A world for a client without sockets and without time: the test says what the server says, and when it is later. */
import { Client } from '../../src/client/client.ts'
import type { Clock } from '../../src/client/clock.ts'
import type { ConnectOptions, Storage, Transport, TransportEvents } from '../../src/client/index.ts'
import type { ClientFrame, ServerFrame } from '../../src/protocol/frames.ts'
import { jsonCodec } from '../../src/protocol/json.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import type { ClientLimits } from '../../src/protocol/told-limits.ts'

/** Lets everything happen that waits for no time and no server. */
export async function settle(): Promise<void> {
  for (let n = 0; n < 3; n++) await new Promise((resolve) => setImmediate(resolve))
}

export class VirtualClock implements Clock {
  time = 1_000_000
  /** How far the time of day is ahead: a test sets it, back or ahead. */
  ahead = 0
  chance = 0.5
  #timers = new Map<number, { at: number; call: () => void }>()
  #last = 0
  now = () => this.time + this.ahead
  monotonic = () => this.time
  random = () => this.chance
  after(ms: number, call: () => void): () => void {
    this.#last += 1
    const id = this.#last
    this.#timers.set(id, { at: this.time + ms, call })
    return () => void this.#timers.delete(id)
  }
  get waiting(): number {
    return this.#timers.size
  }
  /** Passes so much time, timer by timer. */
  async pass(ms: number): Promise<void> {
    const end = this.time + ms
    for (;;) {
      await settle()
      const [next] = [...this.#timers].sort(([, a], [, b]) => a.at - b.at)
      if (!next || next[1].at > end) break
      this.#timers.delete(next[0])
      this.time = Math.max(this.time, next[1].at)
      next[1].call()
    }
    this.time = end
    await settle()
  }
}

/** One connection, as the server sees it. */
export class FakeLink {
  readonly said: ClientFrame[] = []
  readonly messages: string[] = []
  closed: number | undefined
  readonly #events: TransportEvents
  constructor(events: TransportEvents) {
    this.#events = events
  }
  open(): void {
    this.#events.opened()
  }
  say(...frames: ServerFrame[]): void {
    this.#events.heard(jsonCodec.encode(frames))
  }
  raw(data: string): void {
    this.#events.heard(data)
  }
  lose(code = 1006): void {
    this.#events.lost(code)
  }
  take(data: string | Uint8Array): void {
    this.messages.push(String(data))
    this.said.push(...(jsonCodec.decode(data) as ClientFrame[]))
  }
  of<Kind extends ClientFrame[0]>(kind: Kind): Extract<ClientFrame, readonly [Kind, ...unknown[]]>[] {
    return this.said.filter((frame) => frame[0] === kind) as never
  }
}

export const limits: ClientLimits = { ...defaultLimits, heartbeatMs: 30_000 }

type Welcome = {
  user?: string
  epoch?: number
  seq?: number
  tail?: number
  resumed?: boolean
  life?: number
  limits?: Partial<ClientLimits>
}

export const welcome = (given: Welcome = {}): ServerFrame => {
  const { user = 'bob', epoch = 7, seq = 0, tail = seq, resumed = true, life } = given
  const all = { ...limits, ...given.limits }
  const frame = ['welcome', user, 'phone', epoch, seq, tail, resumed, 0, all]
  return (life === undefined ? frame : [...frame, null, life]) as unknown as ServerFrame
}
export const message = (seq: number, body = `m${seq}`, from = 'alice'): ServerFrame =>
  ['message', seq, `id-${seq}`, from, 0, body] as unknown as ServerFrame

export class World {
  readonly clock = new VirtualClock()
  readonly links: FakeLink[] = []
  readonly transport: Transport = (_url, _subprotocol, events) => {
    const link = new FakeLink(events)
    this.links.push(link)
    return {
      send: (data) => link.take(data),
      close: (code) => {
        link.closed = code
      },
    }
  }

  connect(options: Partial<ConnectOptions> = {}): Client {
    return new Client({ url: 'ws://here', token: 'bob', transport: this.transport, ...options }, this.clock)
  }

  get link(): FakeLink {
    return this.links.at(-1) as FakeLink
  }

  /** A client that has just been welcomed. */
  async online(options: Partial<ConnectOptions> = {}, given: Welcome = {}): Promise<Client> {
    const client = this.connect(options)
    await this.welcomed(given)
    return client
  }

  async welcomed(given: Welcome = {}): Promise<void> {
    await settle()
    this.link.open()
    await settle()
    this.link.say(welcome(given))
    await settle()
  }
}

/** A storage in memory that can be watched, made to fail, and opened again by a next life. */
export class Disk implements Storage {
  kept = new Map<string, unknown>()
  writes: Map<string, unknown>[] = []
  fails: Error | undefined
  closed = 0
  async load() {
    if (this.fails) throw this.fails
    return structuredClone(this.kept)
  }
  async write(changes: ReadonlyMap<string, unknown>) {
    if (this.fails) throw this.fails
    this.writes.push(structuredClone(changes) as Map<string, unknown>)
    for (const [key, value] of structuredClone(changes))
      value === undefined ? this.kept.delete(key) : this.kept.set(key, value)
  }
  async close() {
    this.closed += 1
  }
}
