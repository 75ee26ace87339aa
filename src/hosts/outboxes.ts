/** Hosts the outboxes: loads them from the store, hands on what they have to send, and brings them what came of it. */
import type { NodeRouter, OutboxKnows } from '../../actors/addresses.ts'
import { isWriting, restOfLog } from '../../actors/log/state.ts'
import { receive, recover, sentUpTo, startOutbox, unanswered } from '../../actors/outbox/outbox.ts'
import type { OutboxEffect, OutboxMessage, OutboxState } from '../../actors/outbox/types.ts'
import type { Entry } from '../protocol/entry.ts'
import type { Seq, UserId } from '../protocol/ids.ts'
import { never } from '../protocol/never.ts'
import type { Entities, Runtime } from '../runtime/index.ts'
import type { LogStore } from '../store/contract.ts'
import { type LogContext, type LogEffect, Logs } from './logs/logs.ts'

type Actors = Entities<OutboxState, OutboxMessage, OutboxEffect, OutboxKnows>
/** What is an outbox's, apart from its log. */
type OwnEffect = Exclude<OutboxEffect, LogEffect>

/** Whoever sends what is in the outboxes. `ref` names one reading of an outbox: each begins where the last `ack` was. */
export interface Sending {
  take(outbox: UserId, ref: number, entries: readonly Entry[]): void
  /** Events up to `upTo` are given up. */
  lose(outbox: UserId, upTo: Seq, events: number): void
}

type Context = Omit<LogContext, 'runtime'> & {
  readonly runtime: Runtime
  readonly router: NodeRouter
  readonly term: number
  readonly store: LogStore
  readonly waiting: number
}

/** What is read ahead of what is sent: with bodies of 300 bytes some 0.3 MB of each outbox. */
const window = { windowEntries: 1_024, windowBytes: 1024 * 1024 }
/** Events that are not durable yet; each message of a busy node has three. */
const appendsInFlight = 16_384
/** An outbox that could not be read is read again after this time. */
const againMs = 1_000

export class Outboxes {
  readonly #actors: Actors
  readonly #runtime: Runtime
  /** Of those that are being read. */
  readonly #refs = new Map<UserId, number>()
  #reads = 0

  constructor(context: Context, sending: Sending) {
    const { runtime, router, term, waiting } = context
    const limits = { ...window, appendsInFlight, term, life: 0, waiting }
    this.#runtime = runtime
    const logs = new Logs<OutboxMessage, OwnEffect>(context, {
      peek: (id) => this.#actors.peek(id),
      tell: (id, message) => this.#actors.tell(id, message),
    })
    this.#actors = runtime.host<OutboxState, OutboxMessage, OutboxEffect, OutboxState, OutboxKnows>({
      kind: 'outbox',
      load: async (id) => startOutbox(id as UserId, await logs.load(id as UserId), runtime.clock.name()),
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
      leave: ({ log }) =>
        isWriting(log) ? 'waits' : log.unsaved > 0 ? { tell: { is: 'timer', timer: 'save' } } : 'goes',
      deadLetter: (id, message) => {
        if (message.is === 'record') router.answer(message.ticket, { is: 'refused', code: 'busy' })
        else if (message.is === 'begin') this.#again(id as UserId)
      },
      known: { tail: async (id, state) => state?.log.tail ?? (await context.store.load(id as UserId))?.tail ?? 0 },
      released: (isOf) => logs.forget(isOf),
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

  /** Everything up to here is sent, of what that reading brought. */
  ack(id: UserId, ref: number, seq: Seq): void {
    this.#actors.tellIfPresent(id, { is: 'ack', ref, seq })
  }

  /** Nothing is sent any more. */
  end(): void {
    for (const [id, ref] of this.#refs) this.#actors.tellIfPresent(id, { is: 'end', ref })
    this.#refs.clear()
  }

  /** Events that wait to be sent, of the outboxes that are read here. */
  get waiting(): number {
    return [...this.#refs.keys()].reduce((sum, id) => {
      const state = this.#actors.peek(id)
      return sum + (state ? state.log.tail - sentUpTo(state) : 0)
    }, 0)
  }

  get quiet(): boolean {
    return this.#actors.quiet
  }

  #again(id: UserId): void {
    this.#runtime.wheel.after(againMs, () => {
      if (this.#refs.has(id)) this.begin(id)
    })
  }

  #perform(sending: Sending, id: UserId, effect: OwnEffect): void {
    switch (effect.do) {
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
