/** What fails where no client can be told more than to come again: it is told to whoever runs the node. */

import type { ClockFace } from '../runtime/index.ts'

export type Fault = {
  /**
   * A hook threw, rejected, or did not answer in time; an actor crashed; the store, or that of media, failed; a page or a proxy was
   * refused; the service that is told of events takes none; the clock was set; a link with another node does not come about, or that one's
   * clock is another, or its webhooks.
   */
  readonly where:
    | 'authenticate'
    | 'allow'
    | 'onAccepted'
    | 'onDelivered'
    | 'onRead'
    | 'onWaiting'
    | 'onEvent'
    | 'actor'
    | 'store'
    | 'media'
    | 'origin'
    | 'webhooks'
    | 'clock'
    | 'cluster'
  readonly error: unknown
}
export type OnFault = (fault: Fault) => void

/** Milliseconds in which one place is warned of once. */
const warnMs = 60_000

/** Where nobody listens a fault is a warning of the process, once a minute. */
export function warnings(clock: ClockFace): OnFault {
  const warned = new Map<string, number>()
  return ({ where, error }) => {
    const now = clock.monotonic()
    if (now - (warned.get(where) ?? Number.NEGATIVE_INFINITY) < warnMs) return
    warned.set(where, now)
    const detail = error instanceof Error ? error.stack : undefined
    process.emitWarning(`${faultWords[where]}: ${error}`, { type: 'BluetickWarning', ...(detail && { detail }) })
  }
}

/** What a fault is called. */
export const faultWords: Record<Fault['where'], string> = {
  authenticate: 'the hook authenticate failed',
  allow: 'the hook allow failed',
  onAccepted: 'the hook onAccepted failed',
  onDelivered: 'the hook onDelivered failed',
  onRead: 'the hook onRead failed',
  onWaiting: 'the hook onWaiting failed',
  onEvent: 'the hook onEvent failed',
  actor: 'an actor failed',
  store: 'the store failed',
  media: 'the media store failed',
  origin: 'a connection was refused',
  webhooks: 'webhooks are not taken',
  clock: 'the clock of this machine is not believed',
  cluster: 'the cluster is not as it should be',
}
