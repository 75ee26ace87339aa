/** How the actors of a shard go: what they have not saved is flushed, and then they are dropped. */
import type { Millis } from '../protocol/ids.ts'
import type { Wheel } from './wheel.ts'

/** Milliseconds between looks at who may go. */
const lookMs = 50

export type Leaving = {
  /** Those that are present now. Of a million actors a look takes 0.1 s. */
  readonly ids: () => string[]
  /** Whether one may go. Where it has something unsaved it is told to save it. */
  readonly mayGo: (id: string) => boolean
  readonly drop: () => void
}

/**
 * Resolves when all are dropped. Who may not go within `mostMs` is dropped as by a crash: nothing durable depends on their
 * memory, and whoever waits for them is answered.
 */
export function release({ ids, mayGo, drop }: Leaving, wheel: Wheel, mostMs: Millis): Promise<void> {
  const until = wheel.clock.monotonic() + mostMs
  return new Promise((resolve) => {
    const look = (left: readonly string[]) => {
      const busy = left.length > 0 ? left : ids().filter((id) => !mayGo(id))
      if (busy.length > 0 && wheel.clock.monotonic() < until)
        return wheel.after(lookMs, () => look(busy.filter((id) => !mayGo(id))))
      drop()
      resolve()
    }
    look([])
  })
}
