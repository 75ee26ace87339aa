/**
 * Tells a service what happens: it is recorded in outboxes before anybody else hears of it (recording.ts), and sent from there, at
 * least once, of each user in order (lanes.ts). In a cluster a node does so for the users and groups of its shards.
 */
import { setMaxListeners } from 'node:events'
import type { NodeRouter } from '../../../actors/addresses.ts'
import type { OutboxEvent } from '../../../actors/outbox/types.ts'
import { type WebhookOptions, webhookEvents } from '../../embed/webhooks.ts'
import type { Follower, LogContext } from '../../hosts/logs/logs.ts'
import { Outboxes } from '../../hosts/outboxes.ts'
import { still } from '../../hosts/spells.ts'
import type { UserId } from '../../protocol/ids.ts'
import type { Clock, Runtime } from '../../runtime/index.ts'
import type { LogStore } from '../../store/contract.ts'
import { Comings } from './comings.ts'
import { type LaneFigures, Lanes, type Sent } from './lanes.ts'
import { namesAlone, namesOf, type OutboxNames } from './names.ts'
import { Recording } from './recording.ts'
import { bury, send } from './sending.ts'
import { UnreadCounts } from './unread.ts'

type Context = LogContext & {
  readonly runtime: Runtime
  readonly router: NodeRouter
  /** Of the actors that are here. */
  readonly local: NodeRouter
  readonly clock: Clock
  readonly term: number
  readonly store: LogStore
  /** Of a cluster; undefined: the node has its store for itself. */
  readonly shards: number | undefined
  /** Whether an actor is here. */
  readonly isHere: (id: string) => boolean
  /** Whether it is here, and does not go to another node at this moment. */
  readonly stays: (id: string) => boolean
  /** Whether a user who is here has no connected device. */
  readonly isAway: (user: UserId) => boolean
}

export type WebhookFigures = LaneFigures & { readonly waiting: number }

export type Webhooks = {
  /** What users' and groups' logs are followed by. */
  readonly follower: Follower
  /** A device of a user has come, or gone. Missing: nothing follows from that. */
  readonly moved: ((user: UserId) => void) | undefined
  /** Of a node that has its store for itself: resolves when what happens from here on is recorded. */
  begin(): Promise<void>
  /** A shard is this node's: what waits in it is sent from here. */
  taken(shard: number): void
  /** Sends nothing more: what is not sent waits in the store. `drained` waits until something is so, but not for ever. */
  close(drained: (is: () => boolean) => Promise<void>): Promise<void>
  figures(): WebhookFigures
}

/** What is told of by who comes and goes. */
const watched = ['user.online', 'user.offline', 'message.waiting'] as const
/** The outboxes of a shard that could not be read are read again after this time. */
const againMs = 1_000

export function webhooks(options: WebhookOptions, context: Context): Webhooks {
  const { router, local, clock, runtime, onFault, shards, isAway, stays } = context
  const names = shards === undefined ? namesAlone : namesOf(shards)
  const wanted = new Set(options.events ?? webhookEvents)
  const requests = requestsTo(options, context)
  const after = (ms: number, run: () => void) => runtime.wheel.after(ms, run)
  const lanes: Lanes = new Lanes({
    send: async (event) => (comings.isNeedless(event) ? { is: 'needless' } : requests.send(event)),
    bury: (event, why) => bury(router, event, why),
    done: (event) => comings.told(event),
    ack: (outbox, ref, seq) => boxes.ack(outbox, ref, seq, comings.saved(outbox, seq)),
    fail: requests.fail,
    after,
    monotonic: () => clock.monotonic(),
    now: () => clock.now(),
    random: () => clock.name() / 2 ** 31,
  })
  const boxes = new Outboxes(
    { ...context, ...names, router: local },
    {
      begins: (outbox, memo) => comings.begins(outbox, memo),
      take: (outbox, ref, entries) => lanes.take(outbox, ref, entries),
      lose: (outbox, upTo, events) => lanes.lose(outbox, upTo, events),
      ends(outbox) {
        for (const one of [lanes, comings, recording]) one.ends(outbox)
      },
    },
  )
  const recording: Recording = new Recording({
    ...context,
    ...{ names, boxes, router: local, wanted },
    isAway: (user) => isAway(user) && !comings.expects(user),
    look: (user) => comings.look(user),
  })
  const rolls = {
    ...{ isAway, stays, after },
    gone: (user: UserId) => recording.gone(user),
    async record(user: UserId, event: OutboxEvent, again: boolean) {
      if (!(await boxes.record(names.of(user), user, [event], { again })))
        throw new Error(`the outbox did not take that ${user} came or went`)
    },
    fail: (error: unknown) => onFault({ where: 'store', error }),
  }
  const comings: Comings = new Comings(names, wanted, rolls, clock.uuid)
  const taking = takingOf({ ...context, names, recording, boxes })
  return {
    follower: recording,
    moved: watched.some((type) => wanted.has(type)) ? (user) => comings.look(user) : undefined,
    begin: () => taking.take(0),
    taken: taking.taken,
    async close(drained) {
      lanes.stop()
      await drained(() => lanes.flying === 0)
      requests.end()
      boxes.end()
      await drained(() => {
        runtime.wheel.hurry()
        return boxes.quiet
      })
    },
    figures: () => ({ ...lanes.figures, waiting: Math.max(0, boxes.waiting - lanes.ahead) }),
  }
}

/** What is sent to the service. */
function requestsTo(options: WebhookOptions, { router, store, clock, onFault }: Context) {
  const ending = new AbortController()
  // Each request under way listens.
  setMaxListeners(0, ending.signal)
  const unread = new UnreadCounts({ router, store, clock })
  const sent = { options, store, clock, unread, signal: ending.signal }
  return {
    send: (event: Sent) => send(sent, event),
    fail: (why: string) =>
      onFault({ where: 'webhooks', error: new Error(`${options.url} takes no events, which wait: ${why}`) }),
    end: () => ending.abort(),
  }
}

type Taking = Pick<Context, 'runtime' | 'spellOf' | 'isHere'> & {
  readonly names: OutboxNames
  readonly recording: Recording
  readonly boxes: Outboxes
}

/** Begins with the outboxes of a shard that is here. */
function takingOf({ names, recording, boxes, runtime, spellOf, isHere }: Taking) {
  const begin = (outbox: UserId) => isHere(outbox) && boxes.begin(outbox)
  const take = async (shard: number) => {
    for (const outbox of names.at(shard)) {
      await recording.begin(outbox)
      begin(outbox)
    }
    for (const outbox of names.left(shard)) {
      const spell = spellOf(outbox)
      const record = await spell.store.load(outbox)
      await still(spell)
      if (record) begin(outbox)
    }
  }
  const taken = (shard: number): void => {
    const again = () => names.at(shard).some(isHere) && taken(shard)
    take(shard).catch(() => runtime.wheel.after(againMs, again))
  }
  return { take, taken }
}
