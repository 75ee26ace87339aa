/**
 * Puts what happened into the outbox of whom it concerns, before anybody hears of it. A crash between the two is found when the log is
 * loaded: a message may be repeated by then, which is answered without another append, or may be read by a device.
 */
import { type NodeRouter, toOutbox, toUser } from '../../../actors/addresses.ts'
import type { OutboxEvent, OutboxMessage } from '../../../actors/outbox/types.ts'
import type { WebhookEvent } from '../../embed/webhooks.ts'
import type { Calendar } from '../../hosts/calendar.ts'
import type { Follower } from '../../hosts/logs/logs.ts'
import type { Entry } from '../../protocol/entry.ts'
import { isGroup, type MessageId, type Millis, type Seq, type UserId } from '../../protocol/ids.ts'
import type { Clock } from '../../runtime/index.ts'
import type { InboxRecord, LogStore } from '../../store/contract.ts'
import { type Happened, happened, named, type Place } from './events.ts'
import { outboxes, outboxOf } from './names.ts'

type Context = {
  readonly router: NodeRouter
  readonly store: LogStore
  readonly calendar: Calendar
  readonly clock: Pick<Clock, 'uuid'>
  readonly wanted: ReadonlySet<WebhookEvent>
  /** That of this life. */
  readonly term: number
  /** Whether a user has no connected device. */
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
  /** By outbox, since when it has everything. */
  readonly #since = new Map<UserId, Millis>()

  constructor(context: Context) {
    this.#context = context
  }

  /** Each outbox begins with an entry that says no more: so a crash at the first event is told from webhooks that were never on. */
  async begin(): Promise<void> {
    const { store, calendar } = this.#context
    for (const outbox of outboxes) {
      const record = await store.load(outbox)
      const [first] = record ? await store.read(outbox, record.head, 1, 1, calendar.now()) : []
      this.#since.set(outbox, first?.time ?? record?.lastTime ?? calendar.now())
      const mark = { id: '00000000-0000-8000-a000-000000000000' as MessageId, body: '' }
      if (!record && !(await this.#ask(outbox, outbox, [mark], false)))
        throw new Error('the outbox of webhooks cannot be written')
    }
  }

  appended(id: UserId, epoch: number, entries: readonly Entry[], done: (failure: unknown) => void): void {
    const doubtful = this.#doubtful.has(id)
    const place = { owner: id, epoch, away: !isGroup(id) && this.#context.isAway(id) }
    const all = this.#happened(place, entries).filter(({ rises }) => doubtful || !rises || !this.#isRecorded(rises))
    if (all.length === 0) return done(undefined)
    const events = all.map(named)
    const asked = doubtful ? this.#askAgain(id, events) : this.#ask(outboxOf(id), id, events, false)
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

  /** What is in no log: it is told if it can be. */
  tell(type: WebhookEvent, user: UserId): void {
    const { wanted, clock } = this.#context
    if (!wanted.has(type)) return
    const event = named({ type, data: { user }, about: [clock.uuid()] })
    void this.#ask(outboxOf(user), user, [event], false)
  }

  /** Of what no device of a user has, each message waits; of those that came when that was known already, the outbox finds it. */
  async gone(user: UserId): Promise<void> {
    const { router, store, calendar } = this.#context
    const { epoch = 0, tail = 0, devices = [] } = (await router.query(toUser(user), 'inbox')) ?? {}
    const first = Math.max(tail - unseen, ...devices.map(({ cursor }) => cursor)) + 1
    if (first > tail) return
    const entries = await store.read(user, first, unseen, Number.MAX_SAFE_INTEGER, calendar.now())
    const all = this.#happened({ owner: user, epoch, away: true }, this.#young(user, entries))
    const waiting = all.filter(({ type }) => type === 'message.waiting')
    await this.#askAgain(user, waiting.map(named))
  }

  /** Of events that may be recorded. Where some are not taken, those before them stay. */
  async #askAgain(of: UserId, events: readonly OutboxEvent[]): Promise<boolean> {
    for (let from = 0; from < events.length; from += lookedUp)
      if (!(await this.#ask(outboxOf(of), of, events.slice(from, from + lookedUp), true))) return false
    return true
  }

  /** What is asked together comes in this order, and what is asked later of the same user behind it. */
  #ask(outbox: UserId, of: UserId, events: readonly OutboxEvent[], again: boolean): Promise<boolean> {
    return new Promise((resolve) =>
      this.#context.router.ask(
        toOutbox(outbox),
        (ticket): OutboxMessage => ({ is: 'record', of, events, lifetime: 'temporary', again, ticket }),
        ({ is }) => resolve(is === 'accepted'),
      ),
    )
  }

  #happened(place: Place, entries: readonly Entry[]): Happened[] {
    return entries.flatMap((entry) => happened(entry, place)).filter(({ type }) => this.#context.wanted.has(type))
  }

  /** Those of which the outbox still knows whether it had them, if there was one then. */
  #young(id: UserId, entries: readonly Entry[]): readonly Entry[] {
    const oldest = Math.max(this.#since.get(outboxOf(id)) ?? 0, this.#context.calendar.past - knownMs)
    return entries.filter(({ time }) => time >= oldest)
  }

  /**
   * The events of the last append, where the last of them is not in the outbox: appends of a log follow each other, and so do their
   * events, so all before are there. A page without events tells nothing, and what is before it is looked through.
   */
  async #missing(id: UserId, { epoch, head, tail }: InboxRecord): Promise<readonly Happened[]> {
    const { store, calendar } = this.#context
    let all: Happened[] = []
    let next = tail
    for (const limit of pages) {
      const from = Math.max(head, next - limit + 1)
      if (from > next) break
      const page = await store.read(id, from, next - from + 1, Number.MAX_SAFE_INTEGER, calendar.now())
      const young = this.#young(id, page)
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
    const { store, calendar, router } = this.#context
    const outbox = outboxOf(id)
    const upTo = await router.query(toOutbox(outbox), 'tail')
    const [known] = await store.findRepeats(outbox, [{ sender: id, id: named(event).id }], calendar.past, upTo)
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
