/** Sessions that come while nobody has the shard of their user, as after a node has died: they wait, and do not knock again and again. */
import type { Millis } from '../protocol/ids.ts'
import type { Wheel } from '../runtime/wheel.ts'
import type { ToActor } from './frames.ts'

/** Longer than it takes until a shard of a node that died is another's. */
const mostMs = 20_000
const lookMs = 1_000

type Waits = { readonly frame: ToActor; readonly until: Millis }

export class Waiting {
  readonly #wheel: Wheel
  readonly #late: (frame: ToActor) => void
  readonly #shards = new Map<number, Waits[]>()

  /** `late`: for each that has waited for too long. */
  constructor(wheel: Wheel, late: (frame: ToActor) => void) {
    this.#wheel = wheel
    this.#late = late
    this.#look()
  }

  add(shard: number, frame: ToActor): void {
    const waits = { frame, until: this.#wheel.clock.monotonic() + mostMs }
    this.#shards.set(shard, [...(this.#shards.get(shard) ?? []), waits])
  }

  /** Those of a shard, in the order in which they came. */
  take(shard: number): readonly ToActor[] {
    const waits = this.#shards.get(shard) ?? []
    this.#shards.delete(shard)
    return waits.map(({ frame }) => frame)
  }

  #look(): void {
    const now = this.#wheel.clock.monotonic()
    for (const [shard, waits] of this.#shards) {
      const left = waits.filter(({ until }) => until > now)
      if (left.length === waits.length) continue
      if (left.length > 0) this.#shards.set(shard, left)
      else this.#shards.delete(shard)
      for (const { frame, until } of waits) if (until <= now) this.#late(frame)
    }
    this.#wheel.after(lookMs, () => this.#look())
  }
}
