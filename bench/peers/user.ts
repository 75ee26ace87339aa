/** A user of another server, whatever it speaks: sends numbered messages, and checks that nothing is lost, doubled or out of order. */
import { type Handshake, type Receiver, Socket, type Target } from '../socket.ts'
import { now } from '../stamp.ts'
import type { Counts } from '../user.ts'

/** A protocol, as a client of it. */
export type Wire = {
  readonly handshake: Handshake
  client(user: Ends): Client
}
/** What a client of it needs of its user. */
export type Ends = Pick<
  PeerUser,
  'name' | 'peer' | 'isSender' | 'upTo' | 'put' | 'taken' | 'received' | 'heard' | 'ready' | 'closed'
>
export type Client = {
  opened(): void
  /** Sends the message of this number to the other one of the pair. */
  send(number: number, body: string): void
  message(bytes: Buffer): void
  /** All that has come for now is handled: where the protocol leaves receipts to programs, one for all of it. */
  idle?(): void
}

/** A body begins with its number and the time when it was due, as text: some of the protocols are. */
const digits = { number: 10, due: 16 }
const bodyOf = (number: number, at: number, bytes: number): string =>
  `${String(number).padStart(digits.number, '0')}${at.toFixed(3).padStart(digits.due, '0')}`.padEnd(bytes, 'x')

export class PeerUser implements Receiver {
  readonly name: string
  /** The other one of its pair. The first of a pair sends. */
  readonly peer: string
  readonly isSender: boolean
  /** Called when it may send. */
  ready: () => void = () => {}
  /** Called when all that has come for now is handled. */
  turn: () => void = () => {}
  /** The largest number that has come. */
  upTo = 0
  readonly #counts: Counts
  readonly #socket: Socket
  readonly #client: Client
  /** When those were due that have no receipt yet, oldest first; how many of them have been taken by the server. */
  readonly #flights: number[] = []
  #taken = 0
  #sends = 0

  constructor(index: number, wire: Wire, target: Target, address: string, counts: Counts) {
    this.name = `u${index}`
    this.peer = `u${index ^ 1}`
    this.isSender = index % 2 === 0
    this.#counts = counts
    this.#client = wire.client(this)
    this.#socket = new Socket(target, wire.handshake, address, this)
  }

  get inFlight(): number {
    return this.#flights.length
  }

  send(_to: unknown, body: Uint8Array, at: number): void {
    this.#sends += 1
    this.#flights.push(at)
    this.#counts.sent += 1
    this.#client.send(this.#sends, bodyOf(this.#sends, at, body.length))
  }

  flush(): void {
    this.#socket.flush()
  }

  close(): void {
    this.#socket.close()
  }

  /** For its client: a message of the protocol. */
  put(data: string | Uint8Array): void {
    this.#socket.send(typeof data === 'string' ? Buffer.from(data, 'latin1') : data)
  }

  /** The server took one more message. */
  taken(): void {
    const at = this.#flights[this.#taken]
    if (at === undefined) return
    this.#taken += 1
    this.#counts.ms.sent.record(now() - at)
  }

  received(body: string): void {
    const number = Number(body.slice(0, digits.number))
    if (number <= this.upTo) this.#counts.duplicated += 1
    else if (number > this.upTo + 1) this.#counts.disordered += 1
    this.upTo = Math.max(this.upTo, number)
    this.#counts.received += 1
    this.#counts.ms.received.record(now() - Number(body.slice(digits.number, digits.number + digits.due)))
  }

  /** The other one has all up to this number. */
  heard(number: number): void {
    const at = now()
    for (let left = number - (this.#sends - this.#flights.length); left > 0; left--) {
      this.#counts.ms.delivered.record(at - (this.#flights.shift() ?? at))
      this.#counts.delivered += 1
      this.#taken = Math.max(0, this.#taken - 1)
    }
  }

  opened(): void {
    this.#client.opened()
  }

  message(bytes: Uint8Array): void {
    this.#client.message(bytes as Buffer)
  }

  idle(): void {
    this.#client.idle?.()
    this.turn()
  }

  closed(reason: string): void {
    this.#counts.fail(`${this.name}: ${reason}`)
    this.ready()
  }
}
