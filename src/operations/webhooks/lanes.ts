/**
 * Sends what outboxes bring: many at a time, of one user one after the other. An event that failed is tried again, and those behind it
 * of the same user wait. Where nothing succeeds any more it is not the event: then one at a time is tried, ever more rarely.
 */
import type { Entry } from '../../protocol/entry.ts'
import type { MessageId, Millis, Seq, UserId } from '../../protocol/ids.ts'
import { Queue } from '../../protocol/queue.ts'

export type Sent = {
  readonly outbox: UserId
  readonly ref: number
  readonly seq: Seq
  readonly of: UserId
  readonly id: MessageId
  readonly time: Millis
  readonly body: string
  /** Failures while others succeeded. */
  failures: number
}
/** `pauseMs`: the service wants nothing for so long. */
export type Outcome =
  | { readonly is: 'sent' }
  /** The service has no use for it. */
  | { readonly is: 'needless' }
  | { readonly is: 'failed'; readonly why: string; readonly pauseMs?: Millis | undefined }

export type LaneFigures = { sent: number; failed: number; dead: number; lost: number }

type Port = {
  send(event: Sent): Promise<Outcome>
  /** Puts an event aside, for good; false: it is not durable. */
  bury(event: Sent, why: string): Promise<boolean>
  /** It is sent, or put aside. */
  done(event: Sent): void
  /** All up to here are. */
  ack(outbox: UserId, ref: number, seq: Seq): void
  /** The service has taken nothing for a while. */
  fail(why: string): void
  after(ms: Millis, run: () => void): void
  monotonic(): Millis
  now(): Millis
  /** From 0 to 1. */
  random(): number
}

/** Requests under way. */
const atOnce = 16
/** Failures in a row after which the service counts as unwell. */
const unwellAfter = 8
/** An event is put aside after so many failures, and after so long. */
const failuresMost = 12
const oldestMs: Millis = 3 * 86_400_000
/** The first pause after a failure; it doubles. */
const [pauseMs, pauseMostMs] = [100, 60_000]

/** What an outbox brought: from `next` on not all is done, but `done` is. */
type Reading = { readonly ref: number; next: Seq; readonly done: Set<Seq> }

export class Lanes {
  readonly figures: LaneFigures = { sent: 0, failed: 0, dead: 0, lost: 0 }
  readonly #port: Port
  readonly #readings = new Map<UserId, Reading>()
  /** Of each user, what is to be sent; the first may be under way, or wait for its next try. */
  readonly #users = new Map<UserId, Queue<Sent>>()
  readonly #ready = new Queue<UserId>()
  #flying = 0
  #failures = 0
  #notBefore: Millis = 0
  #stopped = false

  constructor(port: Port) {
    this.#port = port
  }

  /** Requests under way. */
  get flying(): number {
    return this.#flying
  }

  /** Events that are done, while their outboxes have one before them that is not. */
  get ahead(): number {
    return [...this.#readings.values()].reduce((sum, { done }) => sum + done.size, 0)
  }

  /** Nothing is begun any more. */
  stop(): void {
    this.#stopped = true
  }

  take(outbox: UserId, ref: number, entries: readonly Entry[]): void {
    const reading = this.#readingOf(outbox, ref, entries[0]?.seq ?? 0)
    for (const entry of entries) {
      if (entry.is !== 'message' || entry.body === '') {
        reading.done.add(entry.seq)
        continue
      }
      const { seq, id, from: of, time, body } = entry
      this.#add({ outbox, ref, seq, of, id, time, body: String(body), failures: 0 })
    }
    this.#settle(outbox, reading)
    this.#go()
  }

  #readingOf(outbox: UserId, ref: number, next: Seq): Reading {
    const known = this.#readings.get(outbox)
    if (known?.ref === ref) return known
    const reading = { ref, next, done: new Set<Seq>() }
    this.#readings.set(outbox, reading)
    return reading
  }

  /** Events that the outbox gave up, up to `upTo`; some of them may be sent. */
  lose(outbox: UserId, upTo: Seq, events: number): void {
    const reading = this.#readings.get(outbox)
    const sent = [...(reading?.done ?? [])].filter((seq) => seq <= upTo)
    this.figures.lost += events - sent.length
    for (const seq of sent) reading?.done.delete(seq)
    if (reading) reading.next = Math.max(reading.next, upTo + 1)
  }

  /** Another node sends what is in it. */
  ends(outbox: UserId): void {
    this.#readings.delete(outbox)
  }

  #add(event: Sent): void {
    const queue = this.#users.get(event.of)
    if (queue) return queue.push(event)
    const fresh = new Queue<Sent>()
    fresh.push(event)
    this.#users.set(event.of, fresh)
    this.#ready.push(event.of)
  }

  /** Whether an event is still to be sent: another reading of its outbox brings it again. */
  #isOpen({ outbox, ref, seq }: Sent): boolean {
    const reading = this.#readings.get(outbox)
    return reading?.ref === ref && reading.next <= seq
  }

  #go(): void {
    const isUnwell = this.#failures >= unwellAfter
    while (!this.#stopped && this.#flying < (isUnwell ? 1 : atOnce)) {
      if (this.#port.monotonic() < this.#notBefore) return
      const of = this.#ready.shift()
      if (of === undefined) return
      const event = this.#next(of)
      if (event) void this.#fly(event)
    }
  }

  /** The first of a user that is still to be sent; undefined: there is none. */
  #next(of: UserId): Sent | undefined {
    const queue = this.#users.get(of)
    while (queue?.first && !this.#isOpen(queue.first)) queue.shift()
    if (queue?.first) return queue.first
    this.#users.delete(of)
    return undefined
  }

  async #fly(event: Sent): Promise<void> {
    this.#flying += 1
    const outcome = await this.#port.send(event)
    if (outcome.is === 'sent') this.#sent(event)
    else if (outcome.is === 'needless') this.#done(event)
    else await this.#failed(event, outcome)
    this.#flying -= 1
    this.#go()
  }

  #sent(event: Sent): void {
    this.figures.sent += 1
    if (this.#failures >= unwellAfter) this.#notBefore = 0
    this.#failures = 0
    this.#done(event)
  }

  /** Who is done with goes, and the next of that user is ready. */
  #done(event: Sent): void {
    const { outbox, ref, seq, of } = event
    this.#users.get(of)?.shift()
    this.#ready.push(of)
    const reading = this.#readings.get(outbox)
    if (reading?.ref !== ref || seq < reading.next) return
    this.#port.done(event)
    reading.done.add(seq)
    this.#settle(outbox, reading)
  }

  #settle(outbox: UserId, reading: Reading): void {
    const { next } = reading
    while (reading.done.delete(reading.next)) reading.next += 1
    if (reading.next > next) this.#port.ack(outbox, reading.ref, reading.next - 1)
  }

  async #failed(event: Sent, { why, pauseMs: wanted = 0 }: Extract<Outcome, { is: 'failed' }>): Promise<void> {
    this.figures.failed += 1
    this.#failures += 1
    const isUnwell = this.#failures >= unwellAfter
    if (this.#failures === unwellAfter) this.#port.fail(why)
    if (!isUnwell) event.failures += 1
    const isOver = event.failures >= failuresMost || this.#port.now() - event.time > oldestMs
    if (isOver && (await this.#port.bury(event, why))) {
      this.figures.dead += 1
      return this.#done(event)
    }
    const ready = () => {
      this.#ready.push(event.of)
      this.#go()
    }
    const pause = this.#pause(isUnwell ? this.#failures - unwellAfter : event.failures)
    if (wanted > 0 || isUnwell) this.#waitUntil(this.#port.monotonic() + Math.max(wanted, pause))
    this.#port.after(pause, ready)
  }

  /** Nothing goes before that. */
  #waitUntil(at: Millis): void {
    if (at <= this.#notBefore) return
    this.#notBefore = at
    this.#port.after(at - this.#port.monotonic(), () => this.#go())
  }

  /** Not all at once: somewhere in the second half. */
  #pause(failures: number): Millis {
    const most = Math.min(pauseMostMs, pauseMs * 2 ** Math.min(failures, 20))
    return most * (0.5 + this.#port.random() / 2)
  }
}
