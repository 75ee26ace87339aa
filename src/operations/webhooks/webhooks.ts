/**
 * Tells a service what happens: it is recorded in outboxes before anybody else hears of it (recording.ts), and sent from there, at
 * least once, of each user in order (lanes.ts).
 */
import type { NodeRouter } from '../../../actors/addresses.ts'
import type { NodeEvent } from '../../embed/events.ts'
import { type WebhookOptions, webhookEvents } from '../../embed/webhooks.ts'
import type { Follower, LogContext } from '../../hosts/logs/logs.ts'
import { Outboxes } from '../../hosts/outboxes.ts'
import type { UserId } from '../../protocol/ids.ts'
import type { Clock, Runtime } from '../../runtime/index.ts'
import type { LogStore } from '../../store/contract.ts'
import { Comings } from './comings.ts'
import { type LaneFigures, Lanes } from './lanes.ts'
import { outboxes } from './names.ts'
import { Recording } from './recording.ts'
import { buried, bury, type DeadWebhook, send } from './sending.ts'
import { UnreadCounts } from './unread.ts'

type Context = LogContext & {
  readonly runtime: Runtime
  readonly router: NodeRouter
  readonly clock: Clock
  readonly term: number
  readonly store: LogStore
  /** Whether a user has no connected device. */
  readonly isAway: (user: UserId) => boolean
}

export type WebhookFigures = LaneFigures & { readonly waiting: number }

export type Webhooks = {
  /** What users' and groups' logs are followed by. */
  readonly follower: Follower
  /** Resolves when what happens from here on is recorded. */
  begin(): Promise<void>
  /** Who came or went. */
  heard(event: NodeEvent): void
  /** Sends nothing more: what is not sent waits in the store. `drained` waits until something is so, but not for ever. */
  close(drained: (is: () => boolean) => Promise<void>): Promise<void>
  figures(): WebhookFigures
  dead(limit: number): Promise<readonly DeadWebhook[]>
}

/** What is told of by who comes and goes. */
const watched = ['user.online', 'user.offline', 'message.waiting'] as const
/** Events that wait: at some 400 bytes each, 0.4 GB. */
const waitingMost = 1_000_000

export function webhooks(options: WebhookOptions, context: Context): Webhooks {
  const { router, store, clock, runtime, onFault } = context
  const ending = new AbortController()
  const unread = new UnreadCounts({ router, store, clock })
  const sent = { options, store, clock, unread, signal: ending.signal }
  const fail = (why: string) =>
    onFault({ where: 'webhooks', error: new Error(`${options.url} takes no events, which wait: ${why}`) })
  const lanes: Lanes = new Lanes({
    send: (event) => send(sent, event),
    bury: (event, why) => bury(router, event, why),
    ack: (outbox, ref, seq) => boxes.ack(outbox, ref, seq),
    fail,
    after: (ms, run) => runtime.wheel.after(ms, run),
    monotonic: () => clock.monotonic(),
    now: () => clock.now(),
    random: () => clock.name() / 2 ** 31,
  })
  const boxes = new Outboxes({ ...context, waiting: waitingMost / outboxes.length }, lanes)
  const wanted = new Set(options.events ?? webhookEvents)
  const recording = new Recording({ ...context, wanted, look: (user) => comings?.look(user) })
  const comings: Comings | undefined = watched.some((type) => wanted.has(type))
    ? new Comings({
        isAway: context.isAway,
        after: (ms, run) => runtime.wheel.after(ms, run),
        tell: (type, user) => recording.tell(type, user),
        gone: (user) => void recording.gone(user).catch((error) => onFault({ where: 'store', error })),
      })
    : undefined
  return {
    follower: recording,
    async begin() {
      await recording.begin()
      for (const outbox of outboxes) boxes.begin(outbox)
    },
    heard: (event) => comings?.heard(event),
    async close(drained) {
      lanes.stop()
      await drained(() => lanes.flying === 0)
      ending.abort()
      boxes.end()
      await drained(() => {
        runtime.wheel.hurry()
        return boxes.quiet
      })
    },
    figures: () => ({ ...lanes.figures, waiting: boxes.waiting }),
    dead: (limit) => buried(store, clock.now(), limit),
  }
}
