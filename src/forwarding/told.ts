/** Tells a log what becomes of a node in its cluster: shards that came or went, those of half a second together, and how it stands. */
import type { HostWish } from '../cluster/types.ts'
import type { OnEvent } from '../embed/events.ts'
import type { Clock } from '../runtime/index.ts'

const togetherMs = 500

export class Told {
  readonly #clock: Pick<Clock, 'after'>
  readonly #onEvent: OnEvent
  #moved = { came: 0, went: 0 }

  constructor(clock: Pick<Clock, 'after'>, onEvent: OnEvent) {
    this.#clock = clock
    this.#onEvent = onEvent
  }

  heed(wish: HostWish, shards: () => number): void {
    if (wish.do === 'become') this.#onEvent({ event: 'became', standing: wish.standing })
    if (wish.do !== 'take' && wish.do !== 'drop') return
    if (this.#moved.came + this.#moved.went === 0) this.#clock.after(togetherMs, () => this.#tell(shards()))
    this.#moved[wish.do === 'take' ? 'came' : 'went'] += 1
  }

  #tell(shards: number): void {
    this.#onEvent({ event: 'moved', ...this.#moved, shards })
    this.#moved = { came: 0, went: 0 }
  }
}
