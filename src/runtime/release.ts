/** How the actors of a shard go: what they have not saved is flushed, and then they are dropped. */
import type { Millis } from '../protocol/ids.ts'
import type { Wheel } from './wheel.ts'

/** Milliseconds between looks at who is at rest. */
const lookMs = 50

export type Leaving = {
  /** Those that are present now. Of a million actors a look takes 0.1 s. */
  readonly ids: () => string[]
  /** Tells one that has something unsaved to save it; with `busy` also where it has other things under way. Answers whether it is at rest, with all saved. */
  readonly flush: (id: string, busy: boolean) => boolean
  readonly drop: (ids: readonly string[]) => void
}

/**
 * Resolves when all are dropped. Who is not at rest after `mostMs` is dropped as by a crash: nothing durable depends on their
 * memory, and whoever waits for them is answered.
 */
export function release({ ids, flush, drop }: Leaving, wheel: Wheel, mostMs: Millis): Promise<void> {
  const until = wheel.clock.monotonic() + mostMs
  return new Promise((resolve) => {
    const look = (left: readonly string[]) => {
      const busy = left.length > 0 ? left : ids().filter((id) => !flush(id, true))
      if (busy.length > 0 && wheel.clock.monotonic() < until)
        return wheel.after(lookMs, () => look(busy.filter((id) => !flush(id, false))))
      drop(ids())
      resolve()
    }
    look([])
  })
}
