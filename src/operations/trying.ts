/** What is refused for now is tried again, for so long. */
import { SendRefused } from '../embed/post.ts'
import type { Millis } from '../protocol/ids.ts'
import type { Clock } from '../runtime/index.ts'

export type Timed = { readonly clock: Pick<Clock, 'after' | 'monotonic'> }

/** It is tried again after this time, and by default for so long. */
const againMs: Millis = 100
export const mostMs: Millis = 300_000

const pause = ({ clock }: Timed): Promise<void> => new Promise((resolve) => clock.after(againMs, resolve))

/** Rejects with `busy` when the time is over. It is looked at once at least. */
export async function until(context: Timed, isSo: () => Promise<boolean>, withinMs = mostMs): Promise<void> {
  const end = context.clock.monotonic() + withinMs
  while (!(await isSo())) {
    if (context.clock.monotonic() > end) throw new SendRefused('busy', '')
    await pause(context)
  }
}

/** Rejects with the first refusal that is for good, and with `busy` when the time is over. */
export async function again(context: Timed, task: () => Promise<unknown>, withinMs = mostMs): Promise<void> {
  const isDone = async () => {
    try {
      await task()
      return true
    } catch (error) {
      if (error instanceof SendRefused && error.retry) return false
      throw error
    }
  }
  await until(context, isDone, withinMs)
}
