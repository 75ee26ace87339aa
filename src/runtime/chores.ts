/** What is done again and again as long as a runtime runs. */
import type { Wheel } from './wheel.ts'

/** While there is more to do a chore goes on after this time. */
const nextMs = 100

/** A task that is done every `everyMs`, and at once again while it answers that there is more to do. */
export type Chore = { readonly everyMs: number; readonly task: () => Promise<number> }

/**
 * Begins a chore: soon again where it did something, else, and after a failure, when the pause is over. Answers what ends it: nothing of it
 * begins any more, also where timers are hurried; resolves when the run that is under way is over.
 */
export function startChore(
  wheel: Pick<Wheel, 'after'>,
  { everyMs, task }: Chore,
  failed: (error: unknown) => void,
): () => Promise<void> {
  let running = Promise.resolve()
  let ended = false
  const run = () => {
    if (ended) return
    running = task().then(
      (done) => wheel.after(done > 0 ? nextMs : everyMs, run),
      (error) => {
        wheel.after(everyMs, run)
        failed(error)
      },
    )
  }
  run()
  return () => {
    ended = true
    return running
  }
}
