import type { Runtime } from '../runtime/index.ts'

/** While there is more to do a task goes on after this time. */
const nextMs = 100

/** Does a task again and again: soon where it answers that it did something, else, and after a failure, when the pause is over. Answers what waits for the run that is under way. */
export function repeatedly(
  { wheel }: Runtime,
  pauseMs: number,
  task: () => Promise<number>,
  failed: (error: unknown) => void,
): () => Promise<void> {
  let running = Promise.resolve()
  const run = () => {
    running = task().then(
      (done) => wheel.after(done > 0 ? nextMs : pauseMs, run),
      (error) => {
        wheel.after(pauseMs, run)
        failed(error)
      },
    )
  }
  run()
  return () => running
}
