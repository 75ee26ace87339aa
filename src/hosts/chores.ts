/** What a node does again and again as long as it runs. */

import type { OnFault } from '../embed/faults.ts'
import type { Holds } from '../media/holds.ts'
import type { NodeMedia } from '../media/media.ts'
import { Vanishing } from '../media/vanishing.ts'
import { type Chore, type Runtime, startChore } from '../runtime/index.ts'
import type { ExpiryStore, HistoryStore, LogStore, TimeStore } from '../store/contract.ts'
import type { Calendar } from './calendar.ts'
import { type SpellOf, still } from './spells.ts'

/** Milliseconds between looks at what is too old, and at which messages that held media have vanished. */
const expiryMs = 60_000
const vanishingMs = 600_000
/** Milliseconds between looks at the clock. What a kill loses of them counts as a step of the clock at the next start. */
const clockMs = 600_000
/** A node that was off for so long says nothing of it: if it was the clock, things leave so much too early at most. */
const quietMs = 86_400_000

type Context = {
  readonly runtime: Runtime
  readonly store: LogStore & HistoryStore & ExpiryStore & TimeStore
  readonly calendar: Calendar
  readonly media: NodeMedia | undefined
  readonly holds: Holds
  /** Whether this node has the inbox of a user; of several nodes one has the chore of that name. */
  readonly isHere: (id: string) => boolean
  readonly spellOf: SpellOf
  readonly onFault: OnFault
}

/** In whose shard the collecting of media that nodes share is. */
const mediaChore = 'chore:media'

/** Begins, with the `others`. Answers what ends them: none begins any more; resolves when those that are under way are over. */
export function startChores(context: Context, others: readonly Chore[]): () => Promise<unknown> {
  const { runtime, store, calendar, media, holds, isHere, spellOf, onFault } = context
  const start = (where: 'store' | 'media', chore: Chore) =>
    startChore(runtime.wheel, chore, (error) => onFault({ where, error }))
  const expire = async () => {
    const { entries, dedupeKeys } = await store.expire(calendar.past)
    return entries + dedupeKeys
  }
  let started = false
  const lookAtClock = async () => {
    const offMs = await calendar.look(store)
    const wasOff = !started && offMs > 0
    started = true
    if (offMs !== 0 && !(wasOff && offMs <= quietMs))
      onFault({ where: 'clock', error: new Error(wasOff ? off(offMs) : stepped(offMs)) })
    return 0
  }
  const own = [
    { everyMs: clockMs, task: lookAtClock },
    { everyMs: expiryMs, task: expire },
  ]
  const all = [...own, ...others].map((chore) => start('store', chore))
  if (media) {
    const vanishing = new Vanishing(store, media, holds, (user) => {
      if (!isHere(user)) return undefined
      const spell = spellOf(user)
      return () => still(spell)
    })
    const collect = () => media.store.collect(calendar.past, !isHere(mediaChore))
    all.push(start('media', { everyMs: expiryMs, task: collect }))
    all.push(start('media', { everyMs: vanishingMs, task: () => vanishing.look(calendar.past) }))
  }
  return () => Promise.all(all.map((end) => end()))
}

const stepped = (offMs: number): string =>
  `it is ${(Math.abs(offMs) / 3_600_000).toFixed(1)} hours ${offMs > 0 ? 'ahead of' : 'behind'} the time that it should be. ${untilSure}`

const off = (offMs: number): string =>
  `the node was off for ${(offMs / 86_400_000).toFixed(1)} days, or the clock was set ahead by so much meanwhile. ${untilSure}`

const untilSure =
  'Nothing leaves for its age until the clock has said the same for a day: set it right before that, or do nothing where it is right.'
