/**
 * One link: a stream between two nodes, over which each sends the other frames. Frames of one link arrive in the order in which they were sent, or
 * not at all: when it closes, what was under way is lost, and whoever waits for an answer asks again.
 */
import type { Millis } from '../../protocol/ids.ts'
import { type LinkFrame, pack, packed, unpack } from './batch.ts'
import { type Greeter, Greeting, type Hello } from './greeting.ts'
import type { Common } from './joined.ts'
import { Outgoing } from './outgoing.ts'
import { type Pace, patientMs } from './pace.ts'

/**
 * The stream beneath. `write` answers whether it takes more at once; else it says so later, by `drained`. `end` lets what was written
 * arrive, `cut` does not wait for that.
 */
export type Wire = { write(batch: Uint8Array): boolean; end(): void; cut(): void }

/** What all links of a node have in common. */
export interface LinkHost extends Greeter {
  readonly pace: Pace
  /** What each beat carries. */
  beat(): readonly unknown[]
  opened(link: Link): void
  heard(link: Link, frame: LinkFrame): void
  /** Whether nobody waits for a frame that is sent: it leaves with the next one that somebody waits for, or some milliseconds later. */
  isPatient(frame: LinkFrame): boolean
  beaten(link: Link, fields: readonly unknown[]): void
  /** Once for each link. `refused`: one of the two does not want the other. */
  closed(link: Link, why: string, refused: boolean): void
}

const [greeting, beat] = [1, 2]
/** A peer that was not heard of for so long is gone, or might as well be: six beats. */
const silentMs = 6_000
/** Strangers are heard no longer than that. */
const greetingBytes = 4_096

export class Link {
  readonly #host: LinkHost
  readonly #wire: Wire
  readonly #greeting: Greeting
  readonly #outgoing = new Outgoing()
  #state: 'greeting' | 'open' | 'closed' = 'greeting'
  #writable = true
  #heardAt: Millis
  /** What has left. */
  sent: Readonly<Record<'batches' | 'frames' | 'bytes', number>> = { batches: 0, frames: 0, bytes: 0 }

  /** `to`: the life that is dialed; null: this node was. */
  constructor(host: LinkHost, wire: Wire, to: number | null) {
    this.#host = host
    this.#wire = wire
    this.#greeting = new Greeting(host, to)
    this.#heardAt = host.clock.monotonic()
    if (to !== null) this.#greet(this.#greeting.first)
  }

  /** Who is at the other end; undefined: it has not said so yet. */
  get peer(): Hello | undefined {
    return this.#greeting.peer
  }

  /** The version of the protocol that both speak. */
  get version(): number {
    return this.#greeting.version
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Bytes that wait to leave. */
  get waiting(): number {
    return this.#outgoing.bytes
  }

  /** False: it was not taken, since the link is not open or has no room. Throws where the frame is too large. */
  send(frame: LinkFrame): boolean {
    return this.#add(frame, 1)
  }

  /** The same for an item of many that have something in common: those that leave together are one frame. */
  join(common: Common, item: unknown): boolean {
    if (!this.isOpen || !this.#outgoing.join(common, packed(item))) return false
    this.#host.pace.ask(this.#flush)
    return true
  }

  /** For what is bounded by what was asked, or by sessions that are open: taken as long as the link is open. */
  tell(frame: LinkFrame): void {
    this.#add(frame, Number.POSITIVE_INFINITY)
  }

  /** For what may be lost: not taken where half of the room is full. */
  hint(frame: LinkFrame): boolean {
    return this.#add(frame, 0.5)
  }

  #add(frame: LinkFrame, share: number): boolean {
    if (!this.isOpen || !this.#outgoing.add(pack(frame), share)) return false
    this.#host.pace.ask(this.#flush, this.#host.isPatient(frame) ? patientMs : 0)
    return true
  }

  readonly #flush = (): void => {
    if (!this.isOpen || !this.#writable || this.#outgoing.size === 0) return
    const frames = this.#outgoing.take()
    const batch = Buffer.concat(frames)
    const { batches, frames: before, bytes } = this.sent
    this.sent = { batches: batches + 1, frames: before + frames.length, bytes: bytes + batch.length }
    this.#writable = this.#wire.write(batch)
    if (this.#writable && this.#outgoing.size > 0) this.#host.pace.ask(this.#flush)
  }

  /** The wire takes more. */
  drained(): void {
    this.#writable = true
    if (this.#outgoing.size > 0) this.#host.pace.ask(this.#flush)
  }

  /** Called once a second. */
  tick(): void {
    if (this.#state === 'closed') return
    if (this.#host.clock.monotonic() - this.#heardAt >= silentMs) return this.close('it was not heard of for 6 s')
    if (this.isOpen) this.hint([beat, ...this.#host.beat()])
  }

  received(batch: Uint8Array): void {
    if (this.#state === 'closed') return
    if (!this.isOpen && batch.length > greetingBytes) return this.close('it did not say who it is', true)
    this.#heardAt = this.#host.clock.monotonic()
    let frames: LinkFrame[]
    try {
      frames = unpack(batch)
    } catch (error) {
      return this.close(`it sent what are no frames (${(error as Error).message})`)
    }
    for (const frame of frames) this.#heed(frame)
  }

  #heed(frame: LinkFrame): void {
    if (this.#state === 'closed') return
    const [kind] = frame
    if (this.isOpen && kind !== beat && kind !== greeting) return this.#host.heard(this, frame)
    const fields = frame.slice(1)
    if (!this.isOpen) return kind === greeting ? this.#greeted(fields) : this.close('it did not say who it is', true)
    if (kind === beat) return this.#host.beaten(this, fields)
    // After both have greeted, it says why it ends.
    this.close(`it refuses: ${fields[0]}`, true)
  }

  #greet(fields: readonly unknown[]): void {
    this.#wire.write(pack([greeting, ...fields]))
  }

  #greeted(fields: readonly unknown[]): void {
    const step = this.#greeting.heed(fields)
    if (step.say) this.#greet(step.say)
    if (step.is === 'refused') return this.close(step.theirs ? `it refuses: ${step.why}` : step.why, true)
    if (step.is === 'goes on') return
    this.#state = 'open'
    this.#host.opened(this)
  }

  close(why: string, refused = false): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    // Why it is refused shall arrive.
    if (refused) this.#wire.end()
    else this.#wire.cut()
    this.#host.closed(this, why, refused)
  }
}
