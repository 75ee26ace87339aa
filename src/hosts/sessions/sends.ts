/** Lets the sends of sessions go: as fast as their users may, where they are admitted, and with a copy where one is to be. */
import { toChat, toUser } from '../../../actors/addresses.ts'
import { isForNow, leave, mustWait } from '../../../actors/lanes.ts'
import type { Accepted, Copy, Deliver } from '../../../actors/log/types.ts'
import type { SessionEffect, SessionMessage } from '../../../actors/session/types.ts'
import { answerMs } from '../../embed/deadline.ts'
import type { ErrorCode } from '../../protocol/codes.ts'
import type { SendFrame } from '../../protocol/frames.ts'
import { isGroup, type UserId } from '../../protocol/ids.ts'
import { valueIn } from '../../protocol/sealed.ts'
import type { Clock } from '../../runtime/index.ts'
import type { Admit } from './admission.ts'
import { Rates } from './rates.ts'
import { keptOf } from './sealed.ts'
import type { Session, SessionsContext } from './session.ts'

/** Milliseconds between looks at which buckets are full. */
const sweepMs = 10_000

type Send = Extract<SessionEffect, { do: 'deliver' }>
type Receive = (session: Session, message: SessionMessage) => void

export class Sends {
  readonly #context: SessionsContext
  readonly #clock: Clock
  readonly #rates: Rates
  readonly #receive: Receive
  readonly #members = new Members()
  /** The last send of a session that waits to be admitted, and with it those before. */
  readonly #admitting = new Map<Session, Promise<void>>()

  /** `receive` hands an answer to its session. */
  constructor(context: SessionsContext, receive: Receive) {
    this.#context = context
    this.#clock = context.runtime.clock
    this.#receive = receive
    this.#rates = new Rates(context.limits)
    const sweep = () => {
      this.#rates.sweep(this.#clock.monotonic())
      context.runtime.wheel.after(sweepMs, sweep)
    }
    context.runtime.wheel.after(sweepMs, sweep)
  }

  /** Goes on with what its user may send now. */
  deliver(session: Session, effect: Send): void {
    const { send } = effect
    const copies = this.#copies(send)
    if (send[6] === 'create') this.#members.begin(send[2])
    const wait = this.#rates.take(session.user as UserId, send[2], copies, this.#clock.monotonic())
    if (!wait) return this.#admit(session, effect, copies)
    this.#answer(session, effect, 0, { is: 'refused', code: 'rate_limited', ...wait })
  }

  /** How many inboxes it will fill: of a group that was not sent to lately as many as there may be, until that is known. */
  #copies([, , to, body, , , change]: SendFrame): number {
    if (!isGroup(to) || change === 'create') return 1
    const begun = change === 'add' && this.#members.hasBegun(to) ? 1 : this.#context.limits.members
    const members = this.#members.of(to) ?? begun
    return Math.max(1, members) + (change === 'add' ? String(valueIn(body)).split('\n').length : 0)
  }

  /** `copies` were taken from the rates: what was refused gives them back, and what made fewer the rest. */
  #answer(session: Session, { send, step }: Send, copies: number, answer: Accepted): void {
    const from = session.user as UserId
    if (answer.is === 'accepted' && answer.members !== undefined) this.#members.note(send[2], answer.members)
    const code = answer.is === 'refused' && isForNow(answer.code) ? answer.code : undefined
    if (answer.is === 'refused' && send[6] === 'create') this.#members.forget(send[2])
    if (code) this.#rates.giveBack(from, copies, copies > 0 ? send[2] : undefined)
    else if (isGroup(send[2])) {
      const made = (answer.is === 'accepted' && this.#members.of(send[2])) || 1
      this.#rates.giveBack(from, copies - made)
    }
    // Of a session that has ended nobody hears of it, and still nothing that waits behind it overtakes it.
    if (code && !session.open && session.lanes)
      leave(session.lanes, send[2], send[1], step.nth, { code, at: 0, every: 0 })
    this.#receive(session, { is: 'answered', send, step, answer })
  }

  /** Delivers at once, or when it was asked whether the send may be: one after another, in the order of the sends. */
  #admit(session: Session, effect: Send, copies: number): void {
    const question = this.#context.admit(session.user as UserId, effect.send)
    const before = this.#admitting.get(session)
    if (question || before) this.#queue(session, effect, copies, question, before)
    else this.#offer(session, effect, copies)
  }

  #queue(
    session: Session,
    effect: Send,
    copies: number,
    question: ReturnType<Admit>,
    before: Promise<void> | undefined,
  ): void {
    const { send, step } = effect
    const cameAt = this.#clock.monotonic()
    const decide = async () => {
      // One that is late has held up those behind it for as long; and what was behind one that is to come again must not overtake it.
      const isFree = () => !mustWait(session.lanes, send[2], step)
      const stays = this.#clock.monotonic() - cameAt < answerMs && isFree()
      const asked = stays ? await question?.() : 'busy'
      const code = asked ?? (isFree() ? undefined : 'busy')
      if (this.#admitting.get(session) === decided) this.#admitting.delete(session)
      if (!code) this.#offer(session, effect, copies)
      // It may have been taken already, and its answer lost.
      else if (code === 'stale_devices' && send[4]) this.#offer(session, effect, copies, code)
      else this.#answer(session, effect, copies, { is: 'refused', code })
    }
    const decided = (before ?? Promise.resolve()).then(decide)
    this.#admitting.set(session, decided)
  }

  /** `denied`: why it is refused, where it is no repeat. */
  #offer(session: Session, effect: Send, copies: number, denied?: ErrorCode): void {
    const { send, step } = effect
    const [, id, to, body, again, carried, change] = send
    const from = session.user as UserId
    const media = carried ?? undefined
    const { ref } = session
    const kept = keptOf(session, to, body, 'parts')
    this.#context.router.ask(
      toChat(to),
      (ticket): Deliver => ({
        is: 'deliver',
        origin: { is: 'session', ref },
        step: step,
        from,
        id,
        body: kept,
        media,
        change,
        denied,
        again,
        ticket,
      }),
      (answer) => this.#answer(session, effect, copies, answer),
    )
  }

  copy(session: Session, { send, step, at, time, lifetime }: Extract<SessionEffect, { do: 'copy' }>): void {
    const [, id, to, body, again, carried, change] = send
    const media = carried ?? undefined
    const kept = keptOf(session, to, body, 'own')
    this.#context.router.ask(
      toUser(session.user as UserId),
      (ticket): Copy => ({ is: 'copy', to, at, time, id, body: kept, media, change, lifetime, again, ticket }),
      (answer) => this.#receive(session, { is: 'copied', send, step, at, time, lifetime, answer }),
    )
  }
}

/** Groups of which it is remembered how many members they have. */
const remembered = 10_000

/** How many members the groups have that were sent to lately, as their answers said. */
class Members {
  readonly #counts = new Map<UserId, number>()
  readonly #begun = new Set<UserId>()

  of(group: UserId): number | undefined {
    return this.#counts.get(group)
  }

  /** Somebody makes it: who fills it at once need not wait for an answer. What was too few is taken later. */
  begin(group: UserId): void {
    if (this.#counts.has(group)) return
    this.#begun.add(group)
    if (this.#begun.size > remembered) for (const oldest of this.#begun) return void this.#begun.delete(oldest)
  }

  hasBegun(group: UserId): boolean {
    return this.#begun.has(group)
  }

  /** It was not made: maybe it is there already, with any number of members. */
  forget(group: UserId): void {
    this.#begun.delete(group)
  }

  note(group: UserId, count: number): void {
    this.#begun.delete(group)
    this.#counts.delete(group)
    this.#counts.set(group, count)
    if (this.#counts.size > remembered) this.#counts.delete(this.#counts.keys().next().value as UserId)
  }
}
