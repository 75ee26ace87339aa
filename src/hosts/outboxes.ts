/** Hosts the outboxes: loads them from the store, hands on what they have to send, and brings them what came of it. */
import { type NodeRouter, type OutboxKnows, toOutbox } from '../../actors/addresses.ts'
import { isUnsaved, isWriting, restOfLog } from '../../actors/log/state.ts'
import { receive, recover, sentUpTo, startOutbox, unanswered } from '../../actors/outbox/outbox.ts'
import type { OutboxEffect, OutboxEvent, OutboxMessage, OutboxState } from '../../actors/outbox/types.ts'
import type { Entry } from '../protocol/entry.ts'
import type { Seq, UserId } from '../protocol/ids.ts'
import type { Lifetime } from '../protocol/lifetime.ts'
import { never } from '../protocol/never.ts'
import type { Entities, Runtime } from '../runtime/index.ts'
import type { LogStore, Reads } from '../store/contract.ts'
import { type LogContext, type LogEffect, Logs } from './logs/logs.ts'
import { counting } from './spells.ts'

type Actors = Entities<OutboxState, OutboxMessage, OutboxEffect, OutboxKnows>
/** What is an outbox's, apart from its log. */
type OwnEffect = Exclude<OutboxEffect, LogEffect>

/** Whoever sends what is in the outboxes. `ref` names one reading of an outbox: each begins where the last `ack` was. */
export interface Sending {
  /** It comes to an outbox: `memo` is what was left with the last `ack`, by whatever node. */
  begins(outbox: UserId, memo: Reads): void
  take(outbox: UserId, ref: number, entries: readonly Entry[]): void
  /** Events up to `upTo` are given up. */
  lose(outbox: UserId, upTo: Seq, events: number): void
  /** Another node has it. */
  ends(outbox: UserId): void
}

type Context = Omit<LogContext, 'runtime'> & {
  readonly runtime: Runtime
  /** Of the actors that are here: who records has the same node as the outbox, and gets an answer also while both are given away. */
  readonly router: NodeRouter
  readonly term: number
  readonly store: LogStore
  /** Of each outbox: events that wait, and those that are read ahead of what is sent. */
  readonly waiting: number
  readonly ahead: number
}

/** Of what is read ahead; an event has some 300. */
const windowBytes = 1024 * 1024
/** Events that are not durable yet; each message of a busy node has three. */
const appendsInFlight = 16_384
/** An outbox that could not be read is read again after this time. */
const againMs = 1_000

export class Outboxes {
  readonly #actors: Actors
  readonly #runtime: Runtime
  readonly #router: NodeRouter
  /** Of those that are being read. */
  readonly #refs = new Map<UserId, number>()
  #reads = 0

  constructor(context: Context, sending: Sending) {
    const { runtime, router, term, waiting, ahead } = context
    const limits = { windowEntries: ahead, windowBytes, appendsInFlight, term, life: 0, waiting }
    this.#runtime = runtime
    this.#router = router
    const logs = new Logs<OutboxMessage, OwnEffect>(context, {
      peek: (id) => this.#actors.peek(id),
      tell: (id, message) => this.#actors.tell(id, message),
    })
    this.#actors = runtime.host<OutboxState, OutboxMessage, OutboxEffect, OutboxState, OutboxKnows>({
      kind: 'outbox',
      async load(name) {
        const id = name as UserId
        const record = await logs.load(id)
        const spell = context.spellOf(id)
        // Behind the record: what a former owner saves in between is of more than that says, and no less.
        return startOutbox(id, record, runtime.clock.name(), await counting(spell, spell.store.reads(id)))
      },
      receive(state, message, now, effects) {
        receive(state, message, { now, limits, effects })
        return state
      },
      perform: (id, effects) =>
        logs.perform(id as UserId, effects, (effect) => this.#perform(sending, id as UserId, effect)),
      rest({ log }) {
        const rest = restOfLog(log)
        return rest === 'spare' ? 'drop' : rest
      },
      pack: (state) => state,
      unpack: (_id, state) => state,
      leave: ({ log }) => {
        const ref = log.readers[0]?.session ?? 0
        if (ref === 0)
          return isUnsaved(log) ? { tell: [{ is: 'timer', timer: 'save' }] } : isWriting(log) ? 'waits' : 'goes'
        // Else what is sent meanwhile would be to be saved again and again.
        this.#ends(sending, log.owner)
        return { tell: [{ is: 'end', ref }] }
      },
      deadLetter: (id, message) => {
        if (message.is === 'record') router.answer(message.ticket, { is: 'refused', code: 'busy' })
        else if (message.is === 'begin') this.#again(id as UserId)
      },
      known: { tail: async (id, state) => state?.log.tail ?? (await context.store.load(id as UserId))?.tail ?? 0 },
      goesLast: true,
      released: (isOf) => {
        logs.forget(isOf)
        for (const id of [...this.#refs.keys()].filter(isOf)) this.#ends(sending, id)
      },
      recover(state, mail) {
        for (const ticket of unanswered(state)) router.answer(ticket, { is: 'refused', code: 'busy' })
        return recover(state, mail)
      },
      restarted: (id) => this.#again(id as UserId),
      gaveUp: (id) => this.#again(id as UserId),
    })
    router.lead('outbox', this.#actors)
  }

  /** Whoever sends begins to read an outbox, or anew. */
  begin(id: UserId): void {
    this.#reads += 1
    this.#refs.set(id, this.#reads)
    this.#actors.tell(id, { is: 'begin', ref: this.#reads })
  }

  /**
   * Records events of a user or a group, in this order, and behind what was recorded of them before. Resolves with whether all are durable;
   * else some of the first may be. `again`: they may be here already.
   */
  record(
    id: UserId,
    of: UserId,
    events: readonly OutboxEvent[],
    { again = false, lifetime = 'temporary' }: { again?: boolean; lifetime?: Lifetime } = {},
  ): Promise<boolean> {
    return new Promise((resolve) =>
      this.#router.ask(
        toOutbox(id),
        (ticket): OutboxMessage => ({ is: 'record', of, events, lifetime, again, ticket }),
        ({ is }) => resolve(is === 'accepted'),
      ),
    )
  }

  /** The highest seq that is durable. */
  tail(id: UserId): Promise<Seq> {
    return this.#router.query(toOutbox(id), 'tail')
  }

  /** Everything up to here is sent, of what that reading brought; and what is to be known of that. */
  ack(id: UserId, ref: number, seq: Seq, memo?: Reads): void {
    this.#actors.tellIfPresent(id, { is: 'ack', ref, seq, memo })
  }

  /** Nothing is sent any more. */
  end(): void {
    for (const [id, ref] of this.#refs) this.#actors.tellIfPresent(id, { is: 'end', ref })
    this.#refs.clear()
  }

  /** Events of the outboxes that are read here, from the first of each on that is not sent. */
  get waiting(): number {
    return [...this.#refs.keys()].reduce((sum, id) => {
      const state = this.#actors.peek(id)
      return sum + (state ? state.log.tail - sentUpTo(state) : 0)
    }, 0)
  }

  get quiet(): boolean {
    return this.#actors.quiet
  }

  #ends(sending: Sending, id: UserId): void {
    this.#refs.delete(id)
    sending.ends(id)
  }

  #again(id: UserId): void {
    this.#runtime.wheel.after(againMs, () => {
      if (this.#refs.has(id)) this.begin(id)
    })
  }

  #perform(sending: Sending, id: UserId, effect: OwnEffect): void {
    switch (effect.do) {
      case 'begins':
        return sending.begins(id, effect.memo)
      case 'send':
        return sending.take(id, effect.ref, effect.entries)
      case 'lose':
        return sending.lose(id, effect.upTo, effect.events)
      case 'broken':
        return this.#again(id)
      case 'after':
        return this.#actors.after(id, effect.ms, { is: 'timer', timer: effect.timer })
      default:
        return never(effect)
    }
  }
}
