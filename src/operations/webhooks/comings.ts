/**
 * Who has a connected device, and who has none any more: looked at once a second for those who came or went, so that who only changes
 * the network is not told of. What a process that ends knew of that is lost with it.
 *
 * Who is gone may have been gone for the heartbeat time before anybody knew: what came then waits for them, too.
 */
import type { NodeEvent } from '../../embed/events.ts'
import type { WebhookEvent } from '../../embed/webhooks.ts'
import type { Millis, UserId } from '../../protocol/ids.ts'

type Context = {
  readonly isAway: (user: UserId) => boolean
  readonly after: (ms: Millis, run: () => void) => void
  readonly tell: (type: WebhookEvent, user: UserId) => void
  /** A user has no connected device any more. */
  readonly gone: (user: UserId) => void
}

const lookMs: Millis = 1_000

export class Comings {
  readonly #context: Context
  readonly #online = new Set<UserId>()
  #moved = new Set<UserId>()

  constructor(context: Context) {
    this.#context = context
  }

  heard(event: NodeEvent): void {
    if (event.event === 'entered' || event.event === 'left') this.look(event.user as UserId)
  }

  /** Somebody may have come, or gone. */
  look(user: UserId): void {
    if (this.#moved.size === 0) this.#context.after(lookMs, () => this.#tell())
    this.#moved.add(user)
  }

  #tell(): void {
    const moved = this.#moved
    this.#moved = new Set()
    for (const user of moved) {
      const isOnline = !this.#context.isAway(user)
      if (!isOnline) this.#context.gone(user)
      if (isOnline === this.#online.has(user)) continue
      if (isOnline) this.#online.add(user)
      else this.#online.delete(user)
      this.#context.tell(isOnline ? 'user.online' : 'user.offline', user)
    }
  }
}
