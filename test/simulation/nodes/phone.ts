/** A device on virtual time that writes to others one message after another, and reads what comes. */
import type { ServerFrame } from '../../../src/protocol/frames.ts'
import type { MessageId, UserId } from '../../../src/protocol/ids.ts'
import type { Time } from '../life.ts'
import type { Wire } from '../wire.ts'

type Writing = {
  readonly to: UserId
  readonly body: string
  readonly id: MessageId
  readonly since: number
  at: number
}

export class Phone {
  readonly user: UserId
  /** Bodies by the chat that they came in, in their order. */
  readonly got: Record<string, string[]> = {}
  /** Of each message that was sent: to whom, from when, and for how long it was waited. */
  readonly sent: { readonly to: UserId; readonly body: string; readonly since: number; readonly ms: number }[] = []
  readonly refused: string[] = []
  /** Of whom it watches, whether they are online. */
  readonly seen: Record<string, boolean> = {}
  /** Whom it writes to in turn, so many milliseconds after the last was sent; none: it only reads. */
  friends: readonly string[] = []
  restMs = 0
  welcomed = false
  received = 0
  readonly #wire: Wire
  readonly #time: Time
  readonly #say: () => void
  #writing: Writing | undefined
  #nextAt = 0
  #count = 0

  constructor(user: UserId, wire: Wire, time: Time, say: () => void) {
    this.user = user
    this.#wire = wire
    this.#time = time
    this.#say = say
    wire.up.push(['hello', user, 'phone', 0, 0, false])
  }

  /** Its connection was closed. */
  get code(): number | null {
    return this.#wire.code
  }

  get isIdle(): boolean {
    return this.#writing === undefined
  }

  watch(user: string): void {
    this.#wire.up.push(['watch', user as UserId])
  }

  /** Takes what has come, and says what it has to say. */
  turn(): void {
    for (const frame of this.#wire.down.splice(0)) this.#take(frame)
    if (this.welcomed) this.#write()
    if (this.#wire.up.length > 0 && this.code === null) this.#say()
  }

  #take(frame: ServerFrame): void {
    const { up } = this.#wire
    switch (frame[0]) {
      case 'welcome':
        this.welcomed = true
        // What was not answered is repeated.
        if (this.#writing && this.#writing.at === Number.POSITIVE_INFINITY) this.#writing.at = this.#time.now
        return
      case 'message': {
        const [, seq, , from, , body, , place] = frame
        if (seq <= this.received) return
        this.received = seq
        const chat = place ? place.group : from
        if (!place?.change) this.got[chat] = [...(this.got[chat] ?? []), String(body)]
        up.push(['ack', seq], ['read', chat, seq])
        return
      }
      case 'copy':
      case 'seen':
      case 'receipt':
      case 'deleted':
        if (frame[1] <= this.received) return
        this.received = frame[1]
        return void up.push(['ack', frame[1]])
      case 'gone':
        this.received = Math.max(this.received, frame[2])
        return void up.push(['ack', this.received])
      case 'presence':
        this.seen[frame[1]] = frame[2]
        return
      case 'sent':
        return this.#sent(frame[1])
      case 'error':
        return this.#refused(frame)
    }
  }

  #sent(id: MessageId): void {
    if (this.#writing?.id !== id) return
    const { to, body, since } = this.#writing
    this.sent.push({ to, body, since, ms: this.#time.now - since })
    this.#writing = undefined
    this.#nextAt = this.#time.now + this.restMs
  }

  #refused([, code, kind, ref, retryAfter]: Extract<ServerFrame, readonly ['error', ...unknown[]]>): void {
    this.refused.push(`${kind} ${code}`)
    if (kind === 'send' && this.#writing?.id === ref) this.#writing.at = this.#time.now + Math.max(1, retryAfter)
  }

  #write(): void {
    const { now } = this.#time
    if (!this.#writing && this.friends.length > 0 && now >= this.#nextAt) {
      const to = this.friends[this.#count % this.friends.length] as UserId
      this.#writing = { to, body: `${this.#count}`, id: this.#time.uuid() as MessageId, since: now, at: now }
      this.#count += 1
    }
    if (!this.#writing || this.#writing.at > now) return
    const { id, to, body, since } = this.#writing
    this.#wire.up.push(['send', id, to, body, since < now])
    this.#writing.at = Number.POSITIVE_INFINITY
  }
}
