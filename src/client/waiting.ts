/** How long a call is waited for. */
import type { Clock } from './clock.ts'
import { TimeoutError } from './errors.ts'

/** How long a call waits for the server; without them, until the client is closed. */
export type WaitOptions = {
  /** Waits no longer: the call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds after which the call rejects with a TimeoutError. Default: it waits as long as the client lives. */
  readonly timeout?: number | undefined
}

/** Ends the wait and not the work: what comes of it later nobody hears. `gaveUp` is called where it ends so. */
export async function wait<T>(
  { signal, timeout }: WaitOptions,
  clock: Clock,
  work: () => Promise<T>,
  gaveUp = () => {},
): Promise<T> {
  signal?.throwIfAborted()
  if (!signal && timeout === undefined) return work()
  let cancel = () => {}
  let stop = () => {}
  const over = new Promise<never>((_, reject) => {
    const end = (reason: unknown) => {
      reject(reason)
      gaveUp()
    }
    stop = () => end(signal?.reason)
    signal?.addEventListener('abort', stop)
    if (timeout !== undefined) cancel = clock.after(timeout, () => end(new TimeoutError(timeout)))
  })
  try {
    return await Promise.race([work(), over])
  } finally {
    cancel()
    signal?.removeEventListener('abort', stop)
  }
}
