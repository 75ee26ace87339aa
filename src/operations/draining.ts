/** A node that stops while others go on: first it only says that it is not ready, and then its sessions end little by little. */
import type { CloseCode } from '../protocol/codes.ts'
import type { Millis } from '../protocol/ids.ts'
import type { Clock } from '../runtime/index.ts'

type Sessions = { readonly size: number; closeSome(count: number, code: CloseCode): void }

const tickMs = 100

/**
 * Resolves after `overMs`, or when it is `hurried`. In the first third nobody's session ends: by then a load balancer has seen that the
 * node is not ready, so that who is told to come back comes to another. Who comes meanwhile is let in, and ends with the others.
 */
export async function drainSessions(
  clock: Pick<Clock, 'monotonic' | 'after'>,
  sessions: Sessions,
  overMs: Millis,
  hurried: () => boolean,
): Promise<void> {
  const end = clock.monotonic() + overMs
  for (let left = overMs; left > 0 && !hurried(); left = end - clock.monotonic()) {
    if (left <= (overMs * 2) / 3)
      sessions.closeSome(Math.ceil((sessions.size * tickMs) / Math.max(left, tickMs)), 'going_away')
    await new Promise<void>((resolve) => clock.after(Math.min(left, tickMs), resolve))
  }
}
