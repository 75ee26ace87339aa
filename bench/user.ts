/** A user of the bench: sends numbered messages, acknowledges what it gets, and checks that nothing is lost, doubled or out of order. */
import type { ServerFrame } from '../src/protocol/frames.ts'
import type { Change, Place } from '../src/protocol/group.ts'
import type { MessageId, UserId } from '../src/protocol/ids.ts'
import { msgpackCodec } from '../src/protocol/msgpack.ts'
import { Histogram } from './histogram.ts'
import { type Receiver, Socket, type Target } from './socket.ts'
import { now, stamp } from './stamp.ts'
import { wayOf } from './ways.ts'

/**
 * What is timed: from when a message was due to its `sent`, to its receipt, and to its arrival; to the `sent` of those by the
 * way; by how much a generator sent later than it was due; and without that, from when it was sent to its `sent`.
 */
export const timed = ['sent', 'delivered', 'received', 'aside', 'late', 'answered'] as const
export type Times = Record<(typeof timed)[number], Histogram>
export const noTimes = (): Times => Object.fromEntries(timed.map((what) => [what, new Histogram()])) as Times

/** What all users of a process count together. */
export class Counts {
  /** Messages sent, received, and with the delivered receipt at their sender. */
  sent = 0
  received = 0
  delivered = 0
  /** Entries received, receipts included. */
  entries = 0
  /** Changes of groups received. */
  changes = 0
  duplicated = 0
  disordered = 0
  failures: string[] = []
  ms = noTimes()

  /** Called at each failure. */
  failed: (reason: string) => void = () => {}

  fail(reason: string): void {
    this.failed(reason)
    if (this.failures.length < 5) this.failures.push(reason)
  }
}

/** When it was due, and when it was sent. */
type Flight = { readonly at: number; readonly sentAt: number; seq: number }
type Frame =
  | ServerFrame
  | readonly ['send', id: MessageId, to: UserId, body: Uint8Array]
  | readonly ['ack', seq: number]

export class User implements Receiver {
  readonly index: number
  readonly name: UserId
  /** Called when the user may send: welcomed and live, or with the bare relay connected. */
  ready: () => void = () => {}
  /** Called when all that has come for now is handled. */
  turn: () => void = () => {}
  /** Called for each `sent`, and for each entry. */
  accepted: () => void = () => {}
  entry: () => void = () => {}
  readonly #counts: Counts
  readonly #relay: boolean
  readonly #socket: Socket
  /** Sent, without the delivered receipt yet; oldest first. */
  readonly #flights: Flight[] = []
  /** Those by the way that have no `sent`. */
  readonly #asides = new Map<string, number>()
  /** How many of the flights have their `sent`. */
  #answered = 0
  /** Up to where all is delivered. Where chats are permanent the receipt may come before the `sent`, which waits for a copy. */
  #delivered = 0
  #sends = 0
  #seq = 0
  #acked = 0
  /** Up to where each chat is to be read; null: this user reads nothing. */
  readonly #unread: Map<UserId, number> | null
  /** The place in its group of the last message. */
  #at = 0
  /** By recipient: the number of my last message. By sender: the number of its next one. */
  readonly #numbers = new Map<string, number>()
  readonly #next = new Map<number, number>()

  constructor(index: number, prefix: string, target: Target, address: string, counts: Counts) {
    this.index = index
    this.name = nameOf(prefix, index)
    this.#counts = counts
    this.#relay = target.relay
    const path = `/?user=${index}&groups=${target.groups ?? 2}`
    const port = target.ways ? wayOf(target.ways, this.name, index) : target.port
    this.#unread = target.reads ? new Map() : null
    this.#socket = new Socket({ ...target, port }, { path, subprotocol: 'bluetick.v1.msgpack' }, address, this)
  }

  #ponged: () => void = () => {}

  get inFlight(): number {
    return this.#flights.length
  }

  opened(): void {
    if (this.#relay) return this.ready()
    this.#socket.send(msgpackCodec.encode([['hello', this.name, 'd', 0, 0, false]]) as Uint8Array)
  }

  /** Adds a message to what goes out at the end of the turn. `at`: when it was due. */
  send(to: UserId, body: Uint8Array, at: number): void {
    this.#sends += 1
    const view = new DataView(body.buffer, body.byteOffset)
    view.setUint32(stamp.sender, this.index)
    const number = (this.#numbers.get(to) ?? 0) + 1
    this.#numbers.set(to, number)
    view.setUint32(stamp.number, number)
    view.setFloat64(stamp.due, at)
    this.#flights.push({ at, sentAt: now(), seq: this.#relay ? this.#sends : 0 })
    this.#counts.sent += 1
    const frame = ['send', messageId(this.index, this.#sends), to, body, false] as const
    this.#socket.send(msgpackCodec.encode([frame]) as Uint8Array)
  }

  /** The same with a change of a group. */
  change(group: UserId, change: Change, value: string): void {
    this.#sends += 1
    const at = now()
    this.#flights.push({ at, sentAt: at, seq: 0 })
    this.say(['send', messageId(this.index, this.#sends), group, value, false, null, change])
  }

  /** One to a friend, by the way: nothing of it is checked but how long its `sent` takes. */
  aside(to: UserId, body: Uint8Array): void {
    this.#sends += 1
    const id = messageId(this.index, this.#sends)
    this.#asides.set(id, now())
    this.say(['send', id, to, body, false])
  }

  flush(): void {
    this.#socket.flush()
  }

  /** Resolves when the node has read what was said before. */
  heard(): Promise<void> {
    return new Promise((resolve) => {
      this.#ponged = resolve
      this.say(['ping', 0])
    })
  }

  close(): void {
    this.#socket.close()
  }

  say(frame: Parameters<typeof msgpackCodec.encode>[0][number]): void {
    this.#socket.send(msgpackCodec.encode([frame]) as Uint8Array)
    this.#socket.flush()
  }

  message(bytes: Uint8Array): void {
    for (const frame of msgpackCodec.decode(bytes) as Frame[]) this.#frame(frame)
  }

  idle(): void {
    if (this.#seq > this.#acked) {
      this.#acked = this.#seq
      this.#socket.send(msgpackCodec.encode([['ack', this.#seq]]) as Uint8Array)
    }
    for (const [chat, seq] of this.#unread ?? [])
      this.#socket.send(msgpackCodec.encode([['read', chat, seq]]) as Uint8Array)
    this.#unread?.clear()
    this.turn()
  }

  closed(reason: string): void {
    this.#counts.fail(`${this.name}: ${reason}`)
    this.ready()
  }

  #frame(frame: Frame): void {
    switch (frame[0]) {
      case 'message':
        if (!this.#dense(frame[1])) return
        this.#unread?.set(frame[3], frame[1])
        if (frame[7]) this.#placed(frame[7])
        if (!frame[7]?.change) this.#check(frame[5] as Uint8Array)
        return
      case 'send':
        this.#seq += 1
        return this.#check(frame[3])
      case 'receipt':
        if (frame[1] === 0 || this.#dense(frame[1])) this.#heard(frame[4])
        return
      // Where chats are permanent, whoever writes has a copy.
      case 'copy':
        return void this.#dense(frame[1])
      case 'ack':
        return this.#heard(frame[1])
      case 'sent':
        return this.#asides.has(frame[1]) ? this.#sentAside(frame[1]) : this.#sent(frame[3])
      case 'welcome':
        this.#seq = frame[4]
        this.#acked = frame[4]
        return
      case 'live':
        return this.ready()
      case 'pong':
        return this.#ponged()
      case 'error':
        return this.#counts.fail(`${this.name}: refused, ${frame[1]}`)
    }
  }

  /** Whether the entry is the next one of the inbox. */
  #dense(seq: number): boolean {
    this.#counts.entries += 1
    if (seq <= this.#seq) this.#counts.duplicated += 1
    else if (seq > this.#seq + 1) this.#counts.disordered += 1
    const next = seq === this.#seq + 1
    this.#seq = Math.max(this.#seq, seq)
    this.entry()
    return next
  }

  /** Every member sees the group's order. */
  #placed({ at, change }: Place): void {
    if (at <= this.#at) this.#counts.disordered += 1
    this.#at = at
    if (change) this.#counts.changes += 1
  }

  #check(body: Uint8Array): void {
    const view = new DataView(body.buffer, body.byteOffset)
    const sender = view.getUint32(stamp.sender)
    const number = view.getUint32(stamp.number)
    const expected = this.#next.get(sender) ?? 1
    if (number < expected) this.#counts.duplicated += 1
    else if (number > expected) this.#counts.disordered += 1
    this.#next.set(sender, Math.max(expected, number + 1))
    this.#counts.received += 1
    this.#counts.ms.received.record(now() - view.getFloat64(stamp.due))
  }

  #sentAside(id: string): void {
    this.#counts.ms.aside.record(now() - (this.#asides.get(id) ?? 0))
    this.#asides.delete(id)
  }

  #sent(seq: number): void {
    const flight = this.#flights[this.#answered]
    if (flight) {
      this.#answered += 1
      flight.seq = seq
      const at = now()
      this.#counts.ms.sent.record(at - flight.at)
      this.#counts.ms.answered.record(at - flight.sentAt)
      if (seq <= this.#delivered) this.#heard(seq)
    }
    this.accepted()
  }

  #heard(delivered: number): void {
    const at = now()
    this.#delivered = Math.max(this.#delivered, delivered)
    let flight = this.#flights[0]
    while (flight && flight.seq > 0 && flight.seq <= delivered) {
      this.#counts.ms.delivered.record(at - flight.at)
      this.#counts.delivered += 1
      this.#flights.shift()
      if (this.#answered > 0) this.#answered -= 1
      flight = this.#flights[0]
    }
  }
}

export const nameOf = (prefix: string, index: number): UserId => `${prefix}${index}` as UserId

/** A UUIDv7 without its randomness: sorts by time, as those of real clients do, and is unique by sender and number. */
function messageId(user: number, n: number): MessageId {
  const time = Date.now().toString(16).padStart(12, '0')
  const tail = user.toString(16).padStart(5, '0') + n.toString(16).padStart(7, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${tail}` as MessageId
}
