/** Lets the sends of sessions go: as fast as their users may, where they are admitted, and with a copy where one is to be. */
import { isForNow, mustWait } from '../../../actors/lanes.ts'
import type { SessionEffect, SessionMessage } from '../../../actors/session/types.ts'
import type { Accepted, Copy, Deliver } from '../../../actors/user/types.ts'
import { answerMs } from '../../embed/deadline.ts'
import type { SendFrame } from '../../protocol/frames.ts'
import { isGroup, type UserId } from '../../protocol/ids.ts'
import type { Clock } from '../../runtime/index.ts'
import { offerTo } from '../groups/groups.ts'
import type { Admit } from './admission.ts'
import { Rates } from './rates.ts'
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
    const wait = this.#rates.take(session.user as UserId, send[2], copies, this.#clock.monotonic())
    if (!wait) return this.#admit(session, effect, copies)
    this.#answer(session, effect, 0, { is: 'refused', code: 'rate_limited', ...wait })
  }

  /** How many inboxes it will fill: of a group that is not in memory as many as there may be, until that is known. */
  #copies([, , to, body, , , change]: SendFrame): number {
    if (!isGroup(to) || change === 'create') return 1
    const { limits, actors } = this.#context
    const members = actors().groups.peek(to)?.members.size ?? limits.members
    return Math.max(1, members) + (change === 'add' ? String(body).split('\n').length : 0)
  }

  /** `copies` were taken from the rates: what was refused gives them back, and what made fewer the rest. */
  #answer(session: Session, { send, turn }: Send, copies: number, answer: Accepted): void {
    const from = session.user as UserId
    const again = answer.is === 'refused' && isForNow(answer.code)
    if (again) this.#rates.giveBack(from, copies, copies > 0 ? send[2] : undefined)
    else if (copies > 1) {
      const made = answer.is === 'accepted' ? this.#copies(send) : 1
      this.#rates.giveBack(from, Math.max(0, copies - made))
    }
    this.#receive(session, { is: 'answered', send, turn, answer })
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
    const { send, turn } = effect
    const cameAt = this.#clock.monotonic()
    const decide = async () => {
      // One that is late has held up those behind it for as long; and what was behind one that is to come again must not overtake it.
      const stays = this.#clock.monotonic() - cameAt < answerMs && !mustWait(session.lanes, send[2], turn)
      const code = stays ? await question?.() : 'busy'
      if (this.#admitting.get(session) === decided) this.#admitting.delete(session)
      if (!code) this.#offer(session, effect, copies)
      else this.#answer(session, effect, copies, { is: 'refused', code })
    }
    const decided = (before ?? Promise.resolve()).then(decide)
    this.#admitting.set(session, decided)
  }

  #offer(session: Session, effect: Send, copies: number): void {
    const { send, turn } = effect
    const [, id, to, body, again, carried, change] = send
    const ticket = this.#context.asks.ask((answer) => this.#answer(session, effect, copies, answer))
    const from = session.user as UserId
    const media = carried ?? undefined
    const message: Deliver = { is: 'deliver', session: session.ref, turn, from, id, body, media, change, again, ticket }
    const { users, groups } = this.#context.actors()
    this.#unless(offerTo(users, groups, to, message), ticket)
  }

  copy(session: Session, { send, turn, at, time, lifetime }: Extract<SessionEffect, { do: 'copy' }>): void {
    const [, id, to, body, again, carried, change] = send
    const ticket = this.#context.asks.ask((answer) =>
      this.#receive(session, { is: 'copied', send, turn, at, time, lifetime, answer }),
    )
    const media = carried ?? undefined
    const copy: Copy = { is: 'copy', to, at, time, id, body, media, change, lifetime, again, ticket }
    this.#unless(this.#context.actors().users.offer(session.user as UserId, copy), ticket)
  }

  /** The mailbox was full. */
  #unless(taken: boolean, ticket: number): void {
    if (!taken) this.#context.asks.answer(ticket, { is: 'refused', code: 'busy' })
  }
}
