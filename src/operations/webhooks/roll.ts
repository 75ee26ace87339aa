/**
 * Who is online, of those whose events are in one outbox: what the service was told of that, and whether it is so. They are compared once a
 * second for whoever came or went, so that who only changes the network is not told of.
 *
 * What the service was told is saved with how far the outbox is sent, in one write. So whoever has the outbox next, after a crash or on another
 * node, knows whom the service takes for online, and tells of those who do not come back.
 */
import type { OutboxEvent } from '../../../actors/outbox/types.ts'
import type { MessageId, Millis, Seq, UserId } from '../../protocol/ids.ts'
import type { Reads } from '../../store/contract.ts'

export type RollContext = {
  /** Whether a user has no connected device. */
  readonly isAway: (user: UserId) => boolean
  /** Whether the actor of a user is here, and does not go to another node at this moment. */
  readonly stays: (user: UserId) => boolean
  readonly after: (ms: Millis, run: () => void) => void
  /** Resolves when what no device of a user has is recorded. */
  readonly gone: (user: UserId) => Promise<void>
  /** undefined: the service wants to hear of nobody. */
  readonly eventOf: (user: UserId, isOnline: boolean) => OutboxEvent | undefined
  /** Resolves when an event is recorded. `again`: it may be already. */
  readonly record: (user: UserId, event: OutboxEvent, again: boolean) => Promise<void>
  readonly fail: (error: unknown) => void
}

/** An event that is recorded, or may be where that is not `sure`. */
type Recorded = { readonly event: OutboxEvent; readonly isOnline: boolean; sure: boolean }
/** That the service was told, at that place of the outbox. */
export type Told = { readonly seq: Seq; readonly id: MessageId; readonly user: UserId; readonly isOnline: boolean }

const lookMs: Millis = 1_000
/** Who was online on a node that has ended comes back within that, if at all: a client tries again after 0.2 s, and then after ever longer pauses. */
const expectedMs: Millis = 15_000
/** Users that are compared at a time: some have to be read. */
const atOnce = 64

export class Roll {
  readonly #context: RollContext
  /** Whom the service takes for online. */
  readonly #online = new Set<UserId>()
  /** What it was told and is not saved yet. */
  #told: Told[] = []
  /** Of each user the last event of this node's that it was not told yet. */
  readonly #recorded = new Map<UserId, Recorded>()
  /** Those who were online when this node got the outbox, and may come back; null: that is long ago. */
  #expected: Set<UserId> | null
  #moved = new Set<UserId>()
  #looks = false
  #over = false

  /** `memo`: as `saved` answered it, on whatever node. */
  constructor(memo: Reads, context: RollContext) {
    this.#context = context
    for (const [user, seq] of memo) if (seq > 0) this.#online.add(user as UserId)
    this.#expected = new Set(this.#online)
    context.after(expectedMs, () => this.#expectNobody())
  }

  #expectNobody(): void {
    const late = this.#expected ?? []
    this.#expected = null
    for (const user of late) this.look(user)
  }

  expects(user: UserId): boolean {
    return this.#expected?.has(user) ?? false
  }

  /** Whether the service has heard that already, or of one that came before. */
  knows(user: UserId, isOnline: boolean): boolean {
    return this.#online.has(user) === isOnline
  }

  /** A user may have come, or gone. */
  look(user: UserId): void {
    this.#moved.add(user)
    if (this.#looks) return
    this.#looks = true
    this.#context.after(lookMs, () => void this.#lookAtAll())
  }

  /** Another node has the outbox. */
  end(): void {
    this.#over = true
  }

  async #lookAtAll(): Promise<void> {
    const moved = [...this.#moved]
    this.#moved.clear()
    for (let at = 0; at < moved.length && !this.#over; at += atOnce)
      await Promise.all(moved.slice(at, at + atOnce).map((user) => this.#lookAt(user)))
    this.#looks = false
    const [left] = this.#moved
    if (left !== undefined && !this.#over) this.look(left)
  }

  async #lookAt(user: UserId): Promise<void> {
    try {
      await this.#compare(user)
    } catch (error) {
      if (this.#over) return
      this.#moved.add(user)
      this.#context.fail(error)
    }
  }

  async #compare(user: UserId): Promise<void> {
    const { isAway, stays, gone, eventOf } = this.#context
    // Users go before their outbox, and who has gone has no devices here: whoever has them next compares.
    if (!stays(user)) return
    const isOnline = !isAway(user)
    if (isOnline) this.#expected?.delete(user)
    else if (this.expects(user)) return
    else await gone(user)
    const known = this.#recorded.get(user)
    if (known && !known.sure) await this.#record(user, known, true)
    // Who has come back meanwhile is looked at again.
    if (isOnline === isAway(user) || isOnline === (known?.isOnline ?? this.#online.has(user))) return
    const event = eventOf(user, isOnline)
    if (event) await this.#record(user, { event, isOnline, sure: false }, false)
  }

  async #record(user: UserId, recorded: Recorded, again: boolean): Promise<void> {
    this.#recorded.set(user, recorded)
    await this.#context.record(user, recorded.event, again)
    recorded.sure = true
  }

  /** The service has an event. One that another node had recorded may not be so any more. */
  told(told: Told): void {
    const { id, user, isOnline } = told
    this.#told.push(told)
    const known = this.#recorded.get(user)
    if (known?.event.id === id) this.#recorded.delete(user)
    else if (!known) this.look(user)
    if (!isOnline) for (const users of [this.#online, this.#expected]) users?.delete(user)
    else {
      this.#online.add(user)
      if (!known) this.#expected?.add(user)
    }
  }

  /** What is to be saved with that the outbox is sent up to `upTo`; undefined: nothing. */
  saved(upTo: Seq): Reads | undefined {
    const some = this.#told.filter(({ seq }) => seq <= upTo)
    if (some.length === 0) return undefined
    this.#told = this.#told.filter(({ seq }) => seq > upTo)
    return new Map(some.map(({ user, isOnline, seq }) => [user, isOnline ? seq : 0]))
  }
}
