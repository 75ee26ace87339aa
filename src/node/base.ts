/** What all of a node stands on: its life on the store, the time that counts, its cluster, and its actors' runtime and router. */
import type { NodeRouter } from '../../actors/addresses.ts'
import type { Accepted } from '../../actors/log/types.ts'
import { type Alone, beAlone } from '../cluster/alone.ts'
import { type Counts, countedEvent } from '../embed/counts.ts'
import { listener } from '../embed/events.ts'
import type { OnFault } from '../embed/faults.ts'
import type { CompleteOptions } from '../embed/options.ts'
import { described } from '../embed/webhooks.ts'
import { Cluster } from '../forwarding/cluster.ts'
import { Calendar } from '../hosts/calendar.ts'
import { beginLife } from '../hosts/lives.ts'
import { oneSpell, type SpellOf, still } from '../hosts/spells.ts'
import { NodeMedia } from '../media/media.ts'
import { Asks, type Clock, Router, type RuntimeOptions, startRuntime } from '../runtime/index.ts'
import type { Store } from '../store/contract.ts'
import type { StoreError } from '../store/error.ts'

/** Ends the node, since it cannot go on; without a reason as planned. */
export type Broke = (error?: StoreError) => void

type Given = {
  readonly options: CompleteOptions
  readonly onFault: OnFault
  /** Of this machine. */
  readonly clock: Clock
  readonly sizes: Partial<RuntimeOptions>
  readonly counts: Counts
  readonly broke: Broke
}

export type Base = Awaited<ReturnType<typeof beginBase>>

/** The store is open. */
export async function beginBase({ options, onFault, clock: given, sizes, counts, broke }: Given) {
  const { store } = options
  const { term, life } = await beginLife(store, given)
  const listens = listener(options.onEvent, given, onFault)
  const onEvent = countedEvent(counts, (event) => listens?.(event))
  const calendar = new Calendar(given, await store.reckoning())
  store.goBy?.(calendar)
  const clock: Clock = { ...given, now: () => calendar.now() }
  const media = options.media && new NodeMedia(options.media, options.limits, clock)
  const webhooks = options.webhooks ? described(options.webhooks) : ''
  const cluster =
    options.cluster &&
    (await Cluster.open(options.cluster, { store, clock: given, life: term, onFault, onEvent, broke, webhooks }))
  const alone = cluster ? undefined : store.cluster && (await beAlone(store.cluster, term, given, broke))
  const runtime = startRuntime({
    ...sizes,
    ...(cluster && { shards: cluster.shards }),
    clock,
    crashed: (error) => onFault({ where: 'actor', error }),
    write: () => store.laps?.begin(),
  })
  const asks = new Asks<Accepted>(runtime.wheel, 10_000, { is: 'refused', code: 'busy' })
  const local = new Router(asks)
  const router: NodeRouter = cluster ? cluster.route(local, asks, runtime) : local
  const spellOf: SpellOf = cluster ? cluster.spellOf : spellAlone(store, term, alone)
  const isHere = (id: string): boolean => cluster?.isHere(id) ?? true
  const stays = (id: string): boolean => cluster?.stays(id) ?? true
  return {
    ...{ options, store, onFault, onEvent, counts, broke },
    ...{ term, life, given, calendar, clock },
    ...{ media, cluster, alone, runtime, asks, local, router, spellOf, isHere, stays },
  }
}

/** The spell of a node that has its store for itself; where several could share it, it counts while that is certain. */
function spellAlone(store: Store, term: number, alone: Alone | undefined): SpellOf {
  if (!alone) return oneSpell(store, term)
  return oneSpell(store.under?.(term, () => still(alone)) ?? store, term, alone.heed)
}
