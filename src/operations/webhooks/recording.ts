/**
 * Puts what happened into the outbox of whom it concerns, before anybody hears of it. A crash between the two is found when the log is
 * loaded: a message may be repeated by then, which is answered without another append, or may be read by a device.
 */
import { type NodeRouter, toUser } from '../../../actors/addresses.ts'
import type { OutboxEvent } from '../../../actors/outbox/types.ts'
import type { WebhookEvent } from '../../embed/webhooks.ts'
import type { Calendar } from '../../hosts/calendar.ts'
import type { Follower } from '../../hosts/logs/logs.ts'
import type { Outboxes } from '../../hosts/outboxes.ts'
import { type SpellOf, still } from '../../hosts/spells.ts'
import type { Entry } from '../../protocol/entry.ts'
import { isGroup, type MessageId, type Millis, type Seq, type UserId } from '../../protocol/ids.ts'
import type { InboxRecord, LogStore } from '../../store/contract.ts'
import { type Happened, happened, named, type Place } from './events.ts'
import type { OutboxNames } from './names.ts'

type Context = {
  readonly names: OutboxNames
  readonly boxes: Pick<Outboxes, 'record' | 'tail'>
  /** Of the actors that are here. */
  readonly router: NodeRouter
  readonly spellOf: SpellOf<LogStore>
  readonly calendar: Calendar
  readonly wanted: ReadonlySet<WebhookEvent>
  /** That of this life. */
  readonly term: number
  /** Whether a user has no connected device, and none is expected back. */
  readonly isAway: (user: UserId) => boolean
  /** Looks soon whether a user has a device, and what waits where there is none. */
  readonly look: (user: UserId) => void
}

/** How many of the last entries of a log are looked through: few, and if these say nothing as many as one append may have. */
const pages = [64, 960]
/**
 * Events that are looked up at a time, five requests each on Cassandra: all of a long append would take a starved cluster longer than an ask
 * may take, however often it was tried.
 */
const lookedUp = 64
/** How many of what no device has: as many as are sent to one that does not answer. */
const unseen = 256
/** What is older is not looked up: outboxes know for 25 hours what they had. */
const knownMs: Millis = 23 * 3_600_000
/** Receipts of which it is remembered that they are recorded: one that says "read" says "delivered" again. */
const remembered = 10_000

export class Recording implements Follower {
  readonly #context: Context
  /** Logs of whose last append it is not certain that its events are recorded. */
  readonly #doubtful = new Set<UserId>()
  readonly #recorded = new Map<string, Seq>()
  /** By outbox that is here, since when it has everything. */
  readonly #since = new Map<UserId, Promise<Millis>>()

  constructor(context: Context) {
    this.#context = context
  }

  /**
   * Resolves with since when an outbox has everything. It begins with an entry that says no more: so a crash at the first event is told from
   * webhooks that were never on.
   */
  begin(outbox: UserId): Promise<Millis> {
    const known = this.#since.get(outbox)
    if (known) return known
    const since = this.#begin(outbox)
    this.#since.set(outbox, since)
    since.catch(() => this.#since.get(outbox) === since && this.#since.delete(outbox))
    return since
  }

  async #begin(outbox: UserId): Promise<Millis> {
    const { spellOf, boxes, calendar } = this.#context
    const spell = spellOf(outbox)
    const record = await spell.store.load(outbox)
    // Rejects where another node has it by now: what was begun would be waited for ever, also by the users of a later spell.
    await still(spell)
    const [first] = record ? await spell.store.read(outbox, record.head, 1, 1, calendar.now()) : []
    const mark = { id: '00000000-0000-8000-a000-000000000000' as MessageId, body: '' }
    if (!record && !(await boxes.record(outbox, outbox, [mark])))
      throw new Error('the outbox of webhooks cannot be written')
    return first?.time ?? record?.lastTime ?? calendar.now()
  }

  /** Another node has it. */
  ends(outbox: UserId): void {
    this.#since.delete(outbox)
  }

  appended(id: UserId, epoch: number, entries: readonly Entry[], done: (failure: unknown) => void): void {
    const doubtful = this.#doubtful.has(id)
    const place = { owner: id, epoch, away: !isGroup(id) && this.#context.isAway(id) }
    const all = this.#happened(place, entries).filter(({ rises }) => doubtful || !rises || !this.#isRecorded(rises))
    if (all.length === 0) return done(undefined)
    const events = all.map(named)
    const { names, boxes } = this.#context
    const asked = doubtful ? this.#askAgain(id, events) : boxes.record(names.of(id), id, events)
    asked.then((ok) => {
      if (ok) this.#doubtful.delete(id)
      else this.#doubtful.add(id)
      if (ok) for (const { rises } of all) if (rises) this.#remember(rises)
      done(ok ? undefined : notTaken(id))
    })
  }

  /** Of what a former life of the node appended last; what this one did is recorded, or was not answered. */
  async loaded(id: UserId, record: InboxRecord): Promise<void> {
    const { term, look } = this.#context
    if (record.lives.at(-1)?.term === term) return
    const missing = await this.#missing(id, record)
    if (!(await this.#askAgain(id, missing.map(named)))) throw notTaken(id)
    // Whether a device comes back for what is there will be known in a moment.
    if (!isGroup(id)) look(id)
  }

  /**
   * Of what no device of a user has, each message waits; of those that came when that was known already, the outbox finds it. Rejects where
   * not all of that is recorded.
   */
  async gone(user: UserId): Promise<void> {
    const { router, spellOf, calendar, wanted } = this.#context
    if (!wanted.has('message.waiting')) return
    const { epoch = 0, tail = 0, devices = [] } = (await router.query(toUser(user), 'inbox')) ?? {}
    const first = Math.max(tail - unseen, ...devices.map(({ cursor }) => cursor)) + 1
    if (first > tail) return
    const entries = await spellOf(user).store.read(user, first, unseen, Number.MAX_SAFE_INTEGER, calendar.now())
    const all = this.#happened({ owner: user, epoch, away: true }, await this.#young(user, entries))
    const waiting = all.filter(({ type }) => type === 'message.waiting')
    if (!(await this.#askAgain(user, waiting.map(named)))) throw notTaken(user)
  }

  /** Of events that may be recorded. Where some are not taken, those before them stay. */
  async #askAgain(of: UserId, events: readonly OutboxEvent[]): Promise<boolean> {
    const { names, boxes } = this.#context
    for (let from = 0; from < events.length; from += lookedUp)
      if (!(await boxes.record(names.of(of), of, events.slice(from, from + lookedUp), { again: true }))) return false
    return true
  }

  #happened(place: Place, entries: readonly Entry[]): Happened[] {
    return entries.flatMap((entry) => happened(entry, place)).filter(({ type }) => this.#context.wanted.has(type))
  }

  /** Those of which the outbox still knows whether it had them, if there was one then. */
  async #young(id: UserId, entries: readonly Entry[]): Promise<readonly Entry[]> {
    const { names, calendar } = this.#context
    const oldest = Math.max(await this.begin(names.of(id)), calendar.past - knownMs)
    return entries.filter(({ time }) => time >= oldest)
  }

  /**
   * The events of the last append, where the last of them is not in the outbox: appends of a log follow each other, and so do their
   * events, so all before are there. A page without events tells nothing, and what is before it is looked through.
   */
  async #missing(id: UserId, { epoch, head, tail }: InboxRecord): Promise<readonly Happened[]> {
    const { spellOf, calendar } = this.#context
    const { store } = spellOf(id)
    let all: Happened[] = []
    let next = tail
    for (const limit of pages) {
      const from = Math.max(head, next - limit + 1)
      if (from > next) break
      const page = await store.read(id, from, next - from + 1, Number.MAX_SAFE_INTEGER, calendar.now())
      const young = await this.#young(id, page)
      const events = this.#happened({ owner: id, epoch, away: false }, young)
      if (await this.#isThere(id, events.at(-1))) return all
      all = [...events, ...all]
      if (young.length < page.length) break
      next = from - 1
    }
    return all
  }

  async #isThere(id: UserId, event: Happened | undefined): Promise<boolean> {
    if (!event) return false
    const { names, boxes, spellOf, calendar } = this.#context
    const outbox = names.of(id)
    const upTo = await boxes.tail(outbox)
    const [known] = await spellOf(outbox).store.findRepeats(
      outbox,
      [{ sender: id, id: named(event).id }],
      calendar.past,
      upTo,
    )
    return known !== undefined
  }

  #isRecorded({ mark, seq }: NonNullable<Happened['rises']>): boolean {
    return this.#recorded.get(mark) === seq
  }

  #remember({ mark, seq }: NonNullable<Happened['rises']>): void {
    this.#recorded.delete(mark)
    this.#recorded.set(mark, seq)
    if (this.#recorded.size > remembered) this.#recorded.delete(this.#recorded.keys().next().value as string)
  }
}

const notTaken = (id: UserId): Error => new Error(`the outbox did not take the events of ${id}`)
