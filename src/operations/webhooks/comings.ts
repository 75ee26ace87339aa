/** Who comes and goes, of all whose events are in the outboxes of this node: each of these has a roll. */
import type { WebhookEvent } from '../../embed/webhooks.ts'
import type { Seq, UserId } from '../../protocol/ids.ts'
import type { Reads } from '../../store/contract.ts'
import { comes, comingIn } from './events.ts'
import type { Sent } from './lanes.ts'
import type { OutboxNames } from './names.ts'
import { Roll, type RollContext, type Told } from './roll.ts'

export class Comings {
  readonly #names: OutboxNames
  readonly #wanted: ReadonlySet<WebhookEvent>
  readonly #context: RollContext
  readonly #rolls = new Map<UserId, Roll>()
  /** By outbox, who came or went before it was read. */
  readonly #early = new Map<UserId, Set<UserId>>()

  constructor(
    names: OutboxNames,
    wanted: ReadonlySet<WebhookEvent>,
    context: Omit<RollContext, 'eventOf'>,
    uuid: () => string,
  ) {
    this.#names = names
    this.#wanted = wanted
    // Who wants to hear one of the two gets it only where both are recorded.
    const isWanted = wanted.has('user.online') || wanted.has('user.offline')
    this.#context = { ...context, eventOf: (user, isOnline) => (isWanted ? comes(user, isOnline, uuid()) : undefined) }
  }

  /** An outbox is here. One that was here already has crashed, and its roll knows more. */
  begins(outbox: UserId, memo: Reads): void {
    if (this.#rolls.has(outbox) || !this.#names.has(outbox)) return
    const roll = new Roll(memo, this.#context)
    this.#rolls.set(outbox, roll)
    for (const user of this.#early.get(outbox) ?? []) roll.look(user)
    this.#early.delete(outbox)
  }

  ends(outbox: UserId): void {
    this.#rolls.get(outbox)?.end()
    this.#rolls.delete(outbox)
    this.#early.delete(outbox)
  }

  /** A user may have come, or gone. */
  look(user: UserId): void {
    const outbox = this.#names.of(user)
    const roll = this.#rolls.get(outbox)
    if (roll) roll.look(user)
    else this.#early.set(outbox, (this.#early.get(outbox) ?? new Set()).add(user))
  }

  /** Whether a user who has no device may come back in a moment. */
  expects(user: UserId): boolean {
    return this.#rolls.get(this.#names.of(user))?.expects(user) ?? false
  }

  /** Whether the service needs not be told that somebody came or went: it knows, or does not want to. */
  isNeedless({ outbox, body }: Sent): boolean {
    const coming = comingIn(body)
    if (!coming) return false
    const isWanted = this.#wanted.has(coming.isOnline ? 'user.online' : 'user.offline')
    return !isWanted || (this.#rolls.get(outbox)?.knows(coming.user, coming.isOnline) ?? false)
  }

  /** The service has an event. */
  told({ outbox, seq, id, body }: Sent): void {
    const coming = comingIn(body)
    const told: Told | undefined = coming && { seq, id, ...coming }
    if (told) this.#rolls.get(outbox)?.told(told)
  }

  /** What is to be saved with that an outbox is sent up to `upTo`. */
  saved(outbox: UserId, upTo: Seq): Reads | undefined {
    return this.#rolls.get(outbox)?.saved(upTo)
  }
}
