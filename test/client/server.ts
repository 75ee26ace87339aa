/** A node as docs/protocol.md describes it, in a hundred lines and without time: for one device, over links that lose what is under way. */
import type { Transport, TransportEvents } from '../../src/client/index.ts'
import type { ClientFrame, ServerFrame } from '../../src/protocol/frames.ts'
import { jsonCodec } from '../../src/protocol/json.ts'
import { limits } from './world.ts'

type Link = {
  readonly events: TransportEvents
  readonly up: ClientFrame[][]
  readonly down: ServerFrame[][]
  alive: boolean
}
type Sent = { readonly id: string; readonly body: unknown }

export class ModelServer {
  /** What came for the device's user: messages and receipts, by seq - 1. */
  readonly inbox: ServerFrame[] = []
  /** The inboxes of the others. */
  readonly others = new Map<string, Sent[]>()
  /** Recipients that take nothing for now. */
  readonly busy = new Set<string>()
  readonly transport: Transport = (_url, _subprotocol, events) => {
    const link: Link = { events, up: [], down: [], alive: true }
    this.#link = link
    queueMicrotask(() => link.alive && events.opened())
    return {
      send: (data) => void link.up.push(jsonCodec.decode(data) as ClientFrame[]),
      close: () => {
        link.alive = false
      },
    }
  }
  #link: Link | undefined
  /** By recipient: the message that was refused and must come again first. */
  #awaited = new Map<string, string>()
  #pushed = 0
  #acked = 0
  #reads = new Map<string, number>()

  get acked(): number {
    return this.#acked
  }

  append(body: string): void {
    const seq = this.inbox.length + 1
    this.inbox.push(['message', seq, `id-${seq}`, 'alice', 0, body] as never)
  }

  receipt(to: string, delivered: number, read: number): void {
    this.inbox.push(['receipt', this.inbox.length + 1, to, 1, delivered, read] as never)
  }

  /** The link breaks: what is under way is lost, both ways. */
  lose(): void {
    const link = this.#link
    if (!link?.alive) return
    link.alive = false
    link.events.lost(1006)
  }

  /** Takes one WebSocket message from the device. */
  hear(): void {
    const link = this.#link
    if (!link?.alive) return
    for (const frame of link.up.shift() ?? []) this.#handle(link, frame)
  }

  /** Lets one WebSocket message reach the device. */
  deliver(): void {
    const link = this.#link
    const frames = link?.alive ? link.down.shift() : undefined
    if (frames) link?.events.heard(jsonCodec.encode(frames))
  }

  /** Pushes entries that the device has not got on this link. `from`: some of them again. */
  push(again: number): void {
    const link = this.#link
    if (!link?.alive || this.#pushed < 0) return
    const from = Math.max(this.#acked, this.#pushed - again)
    const entries = this.inbox.slice(from, this.#acked + limits.windowEntries)
    this.#pushed = from + entries.length
    if (entries.length > 0) link.down.push(entries)
  }

  #handle(link: Link, frame: ClientFrame): void {
    const say = (...answer: unknown[]) => void link.down.push([answer as unknown as ServerFrame])
    if (frame[0] === 'hello') {
      const seq = frame[4]
      this.#acked = Math.max(this.#acked, seq)
      this.#pushed = seq
      this.#awaited.clear()
      return say('welcome', 'bob', 'phone', 1, seq, this.inbox.length, true, 0, { ...limits, sendsInFlight: 4 })
    }
    if (frame[0] === 'ack') this.#acked = Math.max(this.#acked, frame[1])
    if (frame[0] === 'read') {
      this.#reads.set(frame[1], frame[2])
      say('done', 'read', frame[1], frame[2])
    }
    if (frame[0] === 'send') this.#send(frame, say)
  }

  #send(
    [, id, to, body, again]: Extract<ClientFrame, readonly ['send', ...unknown[]]>,
    say: (...frame: unknown[]) => void,
  ): void {
    const log = this.others.get(to) ?? []
    this.others.set(to, log)
    const known = log.findIndex((sent) => sent.id === id)
    if (known !== -1 && !again) throw new Error('a repeat that is not marked')
    if (known !== -1) return say('sent', id, 1, known + 1, 0)
    const awaited = this.#awaited.get(to)
    if (awaited !== undefined ? awaited !== id : this.busy.has(to)) {
      if (awaited === undefined) this.#awaited.set(to, id)
      return say('error', 'busy', 'send', id, 500, '')
    }
    this.#awaited.delete(to)
    log.push({ id, body })
    say('sent', id, 1, log.length, 0)
  }
}
